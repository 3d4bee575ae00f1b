import { join } from "node:path";
import { mkdirSync, rmSync } from "node:fs";
import fc from "fast-check";
import type { ContentSource } from "../../src/model/content.ts";
import type { FileNode } from "../../src/model/node.ts";
import { TsbuildError } from "../../src/model/error.ts";
import { applyLayer } from "../../src/tree/apply-layer.ts";
import { Directory, FileTree } from "../../src/tree/file-tree.ts";
import { resolvePath } from "../../src/tree/resolve-path.ts";
import { compareTrees, type AllowedDifference } from "../helpers/compare-trees.ts";
import { sourceNamed } from "../helpers/layer.ts";
import { listTree } from "../helpers/list-tree.ts";
import { listedTree } from "../helpers/listed-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { archive, entry, parse, pax } from "../helpers/tar.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";
import { umociUnpack } from "../helpers/umoci.ts";

interface Layer extends ContentSource {
  readonly tar: Buffer;
}

function layerOf(parts: readonly Buffer[], index: number): Layer {
  return { ...sourceNamed(`layer ${index}`), tar: archive(...parts) };
}

function applied(layers: readonly Layer[]): FileTree {
  const tree = new FileTree();
  for (const layer of layers) applyLayer(tree, parse(layer.tar), layer);
  return tree;
}

function contentOf({ content, sizeBytes }: FileNode): Uint8Array {
  if (content.kind !== "extent") return new Uint8Array(sizeBytes);
  const { tar } = content.source as Layer;
  return tar.subarray(content.position, content.position + content.lengthBytes);
}

// The generator makes no time that late.
const startSeconds = Math.floor(Date.now() / 1000);
const timesOfUnpacking: AllowedDifference = {
  why: "umoci gives the time of unpacking to parents that no entry names, and to directories where it makes such",
  allows: ({ what, theirs }) => what === "mtimeSeconds" && Number(theirs) >= startSeconds,
};

const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const target = fc
  .tuple(fc.constantFrom("", "", "/", "../", "../../", "./", "a/../"), path)
  .map((parts) => parts.join(""));
const metadata = fc.record({
  mode: fc.constantFrom(0o644, 0o755, 0o4711, 0o1777, 0o600, 0),
  uid: fc.constantFrom(0, 1, 1000, 4_000_000_000),
  gid: fc.constantFrom(0, 5, 70_000),
  mtime: fc.integer({ min: 2, max: 1_700_000_000 }),
});

const wish = fc.tuple(path, target, metadata, fc.nat(99));
type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

interface Part {
  readonly at: string;
  readonly parts: readonly Buffer[];
  readonly isMarker?: boolean;
  readonly isLink?: boolean;
}

/** An entry as its archive holds it. The dice decide on its type. */
function partOf([at, to, given, dice]: Wish): Part {
  const { uid, gid, ...rest } = given;
  const head = pax([
    ["uid", String(uid)],
    ["gid", String(gid)],
    ...(dice % 5 === 0 ? ([["SCHILY.xattr.user.x", `v${dice}\n\0`]] as const) : []),
  ]);
  // Symlinks and special files can't have user attributes.
  const bare = pax([
    ["uid", String(uid)],
    ["gid", String(gid)],
  ]);
  const base = at.split("/");
  const last = base.pop() ?? "";
  const inParent = (file: string) => [...base, file].join("/");
  const made = (fields: Parameters<typeof entry>[0], data = "") =>
    entry({ name: at, ...rest, ...fields }, data);
  if (dice < 30) return { at, parts: [head, made({}, `content ${dice}`)] };
  if (dice < 48) return { at, parts: [head, made({ type: "5", name: `${at}/` })] };
  if (dice < 60) return { at, parts: [bare, made({ type: "2", linkName: to })] };
  if (dice < 70) {
    const linkTo = to.replaceAll("../", "");
    return { at, parts: [made({ type: "1", linkName: linkTo })], isLink: true };
  }
  if (dice < 82) return { at, parts: [made({ name: inParent(`.wh.${last}`) })], isMarker: true };
  if (dice < 92) return { at, parts: [made({ name: `${at}/.wh..wh..opq` })], isMarker: true };
  if (dice < 94) return { at, parts: [made({ name: inParent(".wh..wh.plnk") })], isMarker: true };
  if (dice < 96) return { at, parts: [bare, made({ type: "6" })] };
  return { at, parts: [bare, made({ type: dice % 2 ? "3" : "4", major: 7, minor: dice - 96 })] };
}

/** Whether the way to a path leads through something that is no directory, which this version of umoci refuses. */
function leadsThroughLeaf(tree: FileTree, at: string): boolean {
  const parent = at.split("/").slice(0, -1).join("/");
  const names = resolvePath(tree, parent).path.split("/");
  return names.some((_, index) => {
    const held = tree.lookup(names.slice(0, index + 1).join("/"));
    return held !== undefined && !(held instanceof Directory);
  });
}

/** The tree without what an entry will replace, which umoci removes before it looks for a hard link's target. */
function withoutReplaced(tree: FileTree, at: string): FileTree {
  const copy = tree.clone();
  const cut = at.lastIndexOf("/") + 1;
  copy.remove(`${resolvePath(tree, at.slice(0, cut)).path}/${at.slice(cut)}`);
  return copy;
}

/** The stack without the entries that fail (hard links to nothing, loops), of which umoci makes nothing to compare. */
function withoutFailures(stack: readonly (readonly Part[])[]): Layer[] {
  const layers: Layer[] = [];
  for (const [index, parts] of stack.entries()) {
    let layer = layerOf([], index);
    const kept: Buffer[] = [];
    for (const { at, parts: next, isMarker = false, isLink = false } of parts) {
      const longer = layerOf([...kept, ...next], index);
      try {
        const before = applied([...layers, layer]);
        if (!isMarker && leadsThroughLeaf(before, at)) continue;
        if (isLink) applyLayer(withoutReplaced(before, at), parse(archive(...next)), longer);
        applied([...layers, longer]);
      } catch (error) {
        if (error instanceof TsbuildError) continue;
        throw error;
      }
      kept.push(...next);
      layer = longer;
    }
    layers.push(layer);
  }
  return layers;
}

const isPossible = process.getuid?.() === 0 && isInstalled("umoci") && isInstalled("getfattr");

hostTest(
  "root, umoci, getfattr",
  isPossible,
  "any stack of layers is what umoci unpacks",
  async (t) => {
    const folder = await scratch(t);
    let entries = 0;
    const stacks = fc.array(fc.array(wish, { minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(stacks, async (stack) => {
        const layers = withoutFailures(stack.map((wishes) => wishes.map(partOf)));
        const tree = applied(layers);
        const work = join(folder, "run");
        mkdirSync(work);
        try {
          const rootfs = await umociUnpack(
            work,
            layers.map(({ tar }) => tar),
          );
          const ours = listedTree(tree, contentOf);
          entries += Object.keys(ours).length;
          const differences = compareTrees(ours, listTree(rootfs), [timesOfUnpacking]);
          if (differences.length > 0) throw new Error(JSON.stringify(differences, undefined, 1));
        } finally {
          rmSync(work, { recursive: true });
        }
      }),
      { numRuns: Number(process.env["TSBUILD_RUNS"] ?? 60), includeErrorInReport: true },
    );
    t.true(entries > 200, `only ${entries} entries were compared`);
  },
);

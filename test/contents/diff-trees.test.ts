import test from "ava";
import fc from "fast-check";
import { diffTrees, type TreeChange } from "../../src/contents/diff-trees.ts";
import type { ContentSource } from "../../src/model/content.ts";
import type { Node } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { countingSource, nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { randomTree } from "../helpers/random-tree.ts";

const own = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1 };

const lines = (changes: readonly TreeChange[]) =>
  changes.map((change) =>
    change.kind === "changed"
      ? `${change.path}: ${change.parts.join(" ")}`
      : `${change.path}: ${change.kind}`,
  );

function treeOf(nodes: Record<string, Node>): FileTree {
  const tree = new FileTree();
  for (const [path, node] of Object.entries(nodes)) tree.put(path, node);
  return tree;
}

async function diffOf(before: Record<string, Node>, after: Record<string, Node>) {
  return lines(await diffTrees(treeOf(before), treeOf(after)));
}

test("equal trees have no differences, whoever made the nodes", async (t) => {
  t.deepEqual(await diffTrees(nastyTree(), nastyTree()), []);
});

test("a tree differs from itself in nothing, and from nothing in everything", async (t) => {
  await fc.assert(
    fc.asyncProperty(randomTree({ blockBytes: 100 }), async (tree) => {
      t.deepEqual(await diffTrees(tree, tree.clone()), []);
      const all = [...tree.walk()].slice(1).map(({ path }) => path);
      const added = await diffTrees(new FileTree(tree.root.node), tree);
      t.deepEqual(
        lines(added),
        all.toSorted().map((path) => `${path}: added`),
      );
      const removed = await diffTrees(tree, new FileTree(tree.root.node));
      t.deepEqual(
        lines(removed),
        all.toSorted().map((path) => `${path}: removed`),
      );
    }),
    { numRuns: 50 },
  );
});

test("every part of a node is compared", async (t) => {
  const a = textFile("text", own);
  const xattrs = new Map([["user.a", Buffer.from("1")]]);
  const other = new Map([["user.a", Buffer.from("2")]]);
  const device = { type: "block-device", ...own, major: 1, minor: 2 } as const;
  const link = { type: "symlink", ...own, target: "x" } as const;
  for (const [before, after, expected] of [
    [a, textFile("TEXT", own), "f: content"],
    [a, textFile("texts", own), "f: size"],
    [a, { ...a, mode: 0o600 }, "f: mode"],
    [a, { ...a, uid: 1 }, "f: owner"],
    [a, { ...a, gid: 1 }, "f: owner"],
    [a, { ...a, mtimeSeconds: 2 }, "f: time"],
    [a, { ...a, xattrs }, "f: xattrs"],
    [{ ...a, xattrs }, { ...a, xattrs: other }, "f: xattrs"],
    [a, { type: "directory", ...own }, "f: type"],
    [device, { ...device, minor: 3 }, "f: device"],
    [link, { ...link, target: "y" }, "f: target"],
    [a, { ...textFile("TEXT", own), mode: 0o600, gid: 7 }, "f: mode owner content"],
  ] as const) {
    t.deepEqual(await diffOf({ f: before }, { f: after }), [expected]);
  }
  t.deepEqual(await diffOf({ f: link }, { f: { ...link, mode: 0o777 } }), []);
});

test("times can be ignored", async (t) => {
  const before = new FileTree();
  const after = new FileTree();
  before.put("f", textFile("x", { mtimeSeconds: 1 }));
  after.put("f", textFile("x", { mtimeSeconds: 2 }));
  t.deepEqual(await diffTrees(before, after, { ignoreTimes: true }), []);
});

test("names that are no longer linked, or now are, are told", async (t) => {
  const one = textFile("same");
  const two = textFile("same");
  t.deepEqual(await diffOf({ a: one, b: one }, { a: one, b: two }), ["b: links"]);
  t.deepEqual(await diffOf({ a: one, b: two }, { a: one, b: one }), ["b: links"]);
});

const node = (source: ContentSource, position: number): Node => ({
  type: "file",
  ...own,
  sizeBytes: 5,
  content: { kind: "extent", source, position, lengthBytes: 5 },
});

test("the same bytes of a source are not read", async (t) => {
  const unread: ContentSource = {
    name: "unread",
    read: () => {
      throw new Error("read");
    },
  };
  t.deepEqual(await diffOf({ f: node(unread, 1) }, { f: node(unread, 1) }), []);
  await t.throwsAsync(diffOf({ f: node(unread, 1) }, { f: node(unread, 2) }), { message: "read" });
  t.deepEqual(await diffOf({ f: node(countingSource, 1) }, { f: node(countingSource, 2) }), [
    "f: content",
  ]);
  t.deepEqual(await diffOf({ f: node(countingSource, 1) }, { f: node(countingSource, 257) }), []);
});

import { trimCache } from "../cache/clean-cache.ts";
import { RootCache, rootsOf, type KeptRoot } from "../cache/root-cache.ts";
import { writeFolder } from "../folder/write-folder.ts";
import { isInitialNamespace } from "../isolation/entry-mark.ts";
import type { Isolation } from "../isolation/isolation.ts";
import { bytesOf, type ByteString } from "../model/bytes-path.ts";
import type { Content } from "../model/content.ts";
import { TsbuildError } from "../model/error.ts";
import type { LeafNode, Node } from "../model/node.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import { chooseOverlay, OverlayMount, overlayReasons } from "./overlay-mount.ts";
import type { OverlayWay } from "./overlay-way.ts";

/** A base that is the same each time, so that its root file system can be kept. */
export interface SandboxBase {
  /** Its tree, before anything of the definition was done to it. */
  readonly tree: FileTree;
  /** For people. */
  readonly name: string;
  /** What decides what the tree is. */
  readonly identity: readonly string[];
  readonly cacheFolder: string;
  /** How much the cache may hold. */
  readonly maxCacheBytes?: number | undefined;
}

export interface LayOptions {
  /** A folder for what the overlay needs. */
  readonly stageFolder: string;
  readonly isolation: Isolation;
  /** Told once when another build is unpacking the same base. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A kept base with an overlay over it, in which nothing has changed yet. */
export interface LaidBase extends AsyncDisposable {
  readonly mount: OverlayMount;
  /** The base on disk. */
  readonly lowerFolder: string;
  /**
   * What is on disk, for `writeFolder`: the base's own nodes, but for what has to be written anew. The kernel would give
   * each name of a file its own copy when one of them is changed, and what the disk can't hold has to be noted
   * of an inode that stays.
   */
  readonly written: FileTree;
  /** Where contents of the base are read from to be written anew. */
  readonly elsewhere: ReadonlyMap<Content, Content>;
  /** Whether it had been unpacked before. */
  readonly isOld: boolean;
  /** What it is mounted by, and why by none that comes before; undefined for the best. */
  readonly notBest?: { readonly way: OverlayWay["name"]; readonly because: string } | undefined;
}

/**
 * Lays an overlay over a base that is unpacked in the cache, which is done now if it never was.
 * @returns or why a copy has to do, in words that follow "because"
 * @throws the signal's reason
 */
export async function layOverBase(
  base: SandboxBase,
  options: LayOptions,
): Promise<LaidBase | { refused: string }> {
  const { isolation, signal } = options;
  if (isolation.allowsOverlays !== true) {
    return { refused: `scripts run by the way ${isolation.name}, which has no overlays` };
  }
  const cache = new RootCache(base.cacheFolder);
  const refusal = await cache.refusal();
  if (refusal !== undefined) return { refused: refusal };
  // Before a gigabyte is unpacked: whether there can be overlays at all.
  const { way, passedOver } = await chooseOverlay(options.stageFolder, {
    lowerFolder: rootsOf(base.cacheFolder),
    path: isolation.hostPath,
  });
  const because = passedOver.length === 0 ? undefined : overlayReasons(passedOver);
  if (way === undefined) return { refused: `there can be no overlay here: ${because}` };
  let root: KeptRoot;
  try {
    root = await cache.hold({
      name: base.name,
      identity: [...base.identity, isInitialNamespace() ? "devices" : "no devices"],
      make: async (folder) => {
        const ledger = await writeFolder(base.tree, folder, { signal });
        return (stat) => ledger.knows(stat);
      },
      onWait: options.onWait,
      signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    // A cache that is full is no reason not to build: the temporary folder may be on another disk.
    if (!(error instanceof TsbuildError)) throw error;
    return { refused: `the base could not be kept unpacked: ${error.message}` };
  }
  await using kept = new AsyncDisposableStack();
  kept.use(root);
  if (!root.isOld) await trimCache(base.cacheFolder, base.maxCacheBytes ?? Infinity);
  const unheld = new Set(root.record.unheld);
  const unfit = way.refusal({
    tree: base.tree,
    hasNotes: unheld.size > 0 || isolation.supervision?.ids === 1,
  });
  if (unfit !== undefined) {
    return { refused: [because, unfit].filter((reason) => reason !== undefined).join("; ") };
  }
  const mount = await OverlayMount.create(way, {
    stageFolder: options.stageFolder,
    lowerFolder: root.folder,
    path: isolation.hostPath,
  });
  if ("refused" in mount) return mount;
  kept.use(mount);
  const { written, elsewhere } = writtenAnew(base.tree, root.folder, unheld, way);
  const held = kept.move();
  return {
    mount,
    lowerFolder: root.folder,
    written,
    elsewhere,
    isOld: root.isOld,
    notBest: because === undefined ? undefined : { way: way.name, because },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Another node than any that is wanted. */
const nothing: LeafNode = {
  type: "block-device",
  major: -1,
  minor: -1,
  mode: 0,
  uid: -1,
  gid: -1,
  mtimeSeconds: 0,
};

function writtenAnew(
  tree: FileTree,
  folder: string,
  unheld: ReadonlySet<ByteString>,
  way: OverlayWay,
): Pick<LaidBase, "written" | "elsewhere"> {
  const written = tree.clone();
  // An overlay's root directory is the upper layer's, which has nothing of the lower one's. Others are copied up when
  // something about them is changed, which gives them another time of birth.
  const touch = (path: ByteString) => {
    const directory = written.lookup(path);
    if (!(directory instanceof Directory)) return;
    directory.node = { ...directory.node, uid: -1, gid: -1 };
  };
  for (const path of ["", ...unheld]) touch(path);
  const elsewhere = new Map<Content, Content>();
  const places = new Map<Node, ByteString>();
  const take = (path: ByteString, node: Node) => {
    written.put(path, nothing);
    if (node.type !== "file") return;
    const onDisk = Buffer.concat([Buffer.from(`${folder}/`), bytesOf(path)]);
    elsewhere.set(node.content, { kind: "host-file", path: onDisk });
  };
  for (const { path, node } of tree.walk()) {
    if (node.type === "directory") {
      if (way.harms(node)) touch(path);
      continue;
    }
    const first = places.get(node);
    if (first === undefined) places.set(node, path);
    else {
      take(first, node);
      take(path, node);
    }
    if (unheld.has(path) || way.harms(node)) take(path, node);
  }
  return { written, elsewhere };
}

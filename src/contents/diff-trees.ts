import { createHash, type Hash } from "node:crypto";
import type { ByteString } from "../model/bytes-path.ts";
import type { FileNode, Node } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { readContents } from "./read-contents.ts";

/** In what two nodes can differ. */
export type DifferingPart =
  | "type"
  | "mode"
  | "owner"
  | "time"
  | "size"
  | "content"
  | "target"
  | "device"
  | "xattrs"
  | "links";

export type TreeChange =
  | { readonly kind: "added" | "removed"; readonly path: ByteString; readonly node: Node }
  | {
      readonly kind: "changed";
      readonly path: ByteString;
      readonly before: Node;
      readonly after: Node;
      /** In the order of `DifferingPart`. */
      readonly parts: readonly DifferingPart[];
    };

/** What may differ without being told. */
export interface DiffOptions {
  readonly ignoreTimes?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * In what a tree differs from an earlier one, in the order of paths' bytes. Contents are read, and compared by their
 * SHA-256, only where files are of one size and not known to be the same bytes.
 * @throws what `readContents` throws
 */
export async function diffTrees(
  before: FileTree,
  after: FileTree,
  options: DiffOptions = {},
): Promise<TreeChange[]> {
  const old = nodesOf(before);
  const now = nodesOf(after);
  const oldFirst = firstPaths(old);
  const newFirst = firstPaths(now);
  const differing = await differingContents(old, now, options.signal);
  const changes: TreeChange[] = [];
  for (const [path, node] of old) {
    if (!now.has(path)) changes.push({ kind: "removed", path, node });
  }
  for (const [path, node] of now) {
    const earlier = old.get(path);
    if (earlier === undefined) {
      changes.push({ kind: "added", path, node });
      continue;
    }
    const parts = differences(earlier, node, options);
    if (differing.has(path)) parts.push("content");
    if (earlier.type !== "directory" && node.type !== "directory") {
      if (oldFirst.get(earlier) !== newFirst.get(node)) parts.push("links");
    }
    if (parts.length > 0) {
      changes.push({ kind: "changed", path, before: earlier, after: node, parts: inOrder(parts) });
    }
  }
  return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

const order: readonly DifferingPart[] = [
  "type",
  "mode",
  "owner",
  "time",
  "size",
  "content",
  "target",
  "device",
  "xattrs",
  "links",
];

function inOrder(parts: readonly DifferingPart[]): DifferingPart[] {
  return parts.toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
}

function nodesOf(tree: FileTree): Map<ByteString, Node> {
  return new Map([...tree.walk()].map(({ path, node }) => [path, node]));
}

/** Names that are linked to each other have the same first one. */
function firstPaths(nodes: ReadonlyMap<ByteString, Node>): Map<Node, ByteString> {
  const first = new Map<Node, ByteString>();
  for (const [path, node] of nodes) if (!first.has(node)) first.set(node, path);
  return first;
}

function differences(a: Node, b: Node, { ignoreTimes }: DiffOptions): DifferingPart[] {
  const parts: DifferingPart[] = [];
  if (a.type !== b.type) parts.push("type");
  // A symlink's mode means nothing to Linux.
  if (a.mode !== b.mode && !(a.type === "symlink" && b.type === "symlink")) parts.push("mode");
  if (a.uid !== b.uid || a.gid !== b.gid) parts.push("owner");
  if (a.mtimeSeconds !== b.mtimeSeconds && ignoreTimes !== true) parts.push("time");
  if (a.type === "file" && b.type === "file" && a.sizeBytes !== b.sizeBytes) parts.push("size");
  if (a.type === "symlink" && b.type === "symlink" && a.target !== b.target) parts.push("target");
  if ("major" in a && "major" in b && (a.major !== b.major || a.minor !== b.minor)) {
    parts.push("device");
  }
  if (!sameXattrs(a.xattrs, b.xattrs)) parts.push("xattrs");
  return parts;
}

function sameXattrs(a: Node["xattrs"], b: Node["xattrs"]): boolean {
  if (a === b) return true;
  if ((a?.size ?? 0) !== (b?.size ?? 0)) return false;
  for (const [name, value] of a ?? []) {
    const other = b?.get(name);
    if (other === undefined || Buffer.compare(value, other) !== 0) return false;
  }
  return true;
}

/** Paths of files of one size whose bytes differ. */
async function differingContents(
  old: ReadonlyMap<ByteString, Node>,
  now: ReadonlyMap<ByteString, Node>,
  signal: AbortSignal | undefined,
): Promise<Set<ByteString>> {
  const pairs: { readonly path: ByteString; readonly a: FileNode; readonly b: FileNode }[] = [];
  for (const [path, b] of now) {
    const a = old.get(path);
    if (a?.type !== "file" || b.type !== "file") continue;
    if (a.sizeBytes === b.sizeBytes && a.sizeBytes > 0 && !sameContent(a, b)) {
      pairs.push({ path, a, b });
    }
  }
  const left = await digests(
    pairs.map(({ a }) => a),
    signal,
  );
  const right = await digests(
    pairs.map(({ b }) => b),
    signal,
  );
  return new Set(pairs.filter(({ a, b }) => left.get(a) !== right.get(b)).map(({ path }) => path));
}

/** Whether two files are the same bytes of the same place. */
function sameContent({ content: a }: FileNode, { content: b }: FileNode): boolean {
  if (a === b) return true;
  if (a.kind === "bytes" && b.kind === "bytes") return Buffer.compare(a.bytes, b.bytes) === 0;
  return (
    a.kind === "extent" &&
    b.kind === "extent" &&
    a.source === b.source &&
    a.position === b.position &&
    a.lengthBytes === b.lengthBytes &&
    a.data === undefined &&
    b.data === undefined
  );
}

const zeros = Buffer.alloc(64 * 1024);

async function digests(
  files: readonly FileNode[],
  signal: AbortSignal | undefined,
): Promise<Map<FileNode, string>> {
  const found = new Map<FileNode, string>();
  let current: { readonly file: FileNode; readonly hash: Hash } | undefined;
  const finish = () => {
    if (current !== undefined) found.set(current.file, current.hash.digest("hex"));
  };
  for await (const chunk of readContents([...new Set(files)], signal)) {
    if (chunk.file !== current?.file) {
      finish();
      current = { file: chunk.file, hash: createHash("sha256") };
    }
    if (chunk.bytes !== undefined) current.hash.update(chunk.bytes);
    else {
      for (let left = chunk.zeros; left > 0; left -= zeros.length) {
        current.hash.update(zeros.subarray(0, left));
      }
    }
  }
  finish();
  return found;
}

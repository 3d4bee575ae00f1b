import { displayName, type ByteString } from "../model/bytes-path.ts";
import type { Node, NodeType } from "../model/node.ts";
import type { FileTree } from "./file-tree.ts";

const letters: Readonly<Record<NodeType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  "character-device": "c",
  "block-device": "b",
  fifo: "p",
  socket: "s",
};

/**
 * A line for everything in the tree, in the order of `walk`; two trees are alike, but for contents, when their lines are.
 *
 *     TYPE MODE UID:GID SIZE[,STORED] NLINK [MTIME] PATH[ -> TARGET][ = FIRST NAME][ {XATTR=HEX …}]
 *
 * TYPE is a letter as `ls` has it, MODE octal, SIZE is `MAJOR:MINOR` for devices and 0 for all but files, STORED is
 * there for sparse files, and NLINK counts names in the tree (1 for directories). Names that aren't plain UTF-8 are
 * shown with escapes.
 * @param times whether modification times are listed too
 */
export function* listTree(
  tree: FileTree,
  { times = false }: { readonly times?: boolean } = {},
): Generator<string> {
  const names = namesOfNodes(tree);
  for (const { path, node } of tree.walk()) {
    const same = names.get(node);
    const parts = [
      letters[node.type],
      node.mode.toString(8).padStart(4, "0"),
      `${node.uid}:${node.gid}`,
      sizeOf(node),
      String(same?.count ?? 1),
    ];
    if (times) parts.push(String(node.mtimeSeconds));
    parts.push(displayName(path === "" ? "." : path));
    if (node.type === "symlink") parts.push("->", displayName(node.target));
    if (same !== undefined && same.first !== path) parts.push("=", displayName(same.first));
    if (node.xattrs !== undefined && node.xattrs.size > 0) parts.push(xattrList(node.xattrs));
    yield parts.join(" ");
  }
}

/** Of the nodes with several names, how many and the first of them. */
function namesOfNodes(tree: FileTree): Map<Node, { first: ByteString; count: number }> {
  const first = new Map<Node, ByteString>();
  const several = new Map<Node, { first: ByteString; count: number }>();
  for (const { path, node } of tree.walk()) {
    if (node.type === "directory") continue;
    const known = first.get(node);
    if (known === undefined) first.set(node, path);
    else {
      const names = several.get(node);
      if (names === undefined) several.set(node, { first: known, count: 2 });
      else names.count++;
    }
  }
  return several;
}

function sizeOf(node: Node): string {
  if (node.type === "character-device" || node.type === "block-device") {
    return `${node.major}:${node.minor}`;
  }
  if (node.type !== "file") return "0";
  const { content, sizeBytes } = node;
  const isSparse = content.kind === "extent" && content.data !== undefined;
  return isSparse ? `${sizeBytes},${content.lengthBytes}` : String(sizeBytes);
}

function xattrList(xattrs: ReadonlyMap<ByteString, Uint8Array>): string {
  const shown = [...xattrs]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${displayName(name)}=${bytesHex(value)}`);
  return `{${shown.join(" ")}}`;
}

function bytesHex(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
}

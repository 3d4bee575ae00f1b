import { createHash } from "node:crypto";
import type { FileNode, Node } from "../../src/model/node.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import type { ListedEntry, TreeList } from "./list-tree.ts";

/** A tree in the form in which `list-tree.ts` lists a folder, to be compared with one. */
export function listedTree(tree: FileTree, read: (node: FileNode) => Uint8Array): TreeList {
  const names = new Map<Node, string[]>();
  for (const { path, node } of tree.walk()) {
    if (node.type !== "directory") names.set(node, [...(names.get(node) ?? []), path]);
  }
  const listed: Record<string, ListedEntry> = {};
  for (const { path, node } of tree.walk()) {
    const { mode, uid, gid, mtimeSeconds, xattrs } = node;
    const own = names.get(node) ?? [];
    listed[path] = {
      type: node.type,
      mode: mode.toString(8),
      uid,
      gid,
      mtimeSeconds,
      ...(node.type === "file"
        ? {
            sizeBytes: node.sizeBytes,
            sha256: createHash("sha256").update(read(node)).digest("hex"),
          }
        : {}),
      ...(node.type === "symlink" ? { target: node.target } : {}),
      ...(node.type === "character-device" || node.type === "block-device"
        ? { device: linuxDevice(node.major, node.minor).toString(16) }
        : {}),
      ...(xattrs === undefined || xattrs.size === 0
        ? {}
        : {
            xattrs: Object.fromEntries(
              [...xattrs].map(([name, value]) => [name, `0x${Buffer.from(value).toString("hex")}`]),
            ),
          }),
      ...(own.length > 1 ? { names: own.toSorted((a, b) => (a < b ? -1 : 1)) } : {}),
    };
  }
  return listed;
}

/** As makedev(3) of glibc packs it. */
function linuxDevice(major: number, minor: number): bigint {
  const [x, y] = [BigInt(major), BigInt(minor)];
  return (
    ((x & 0xfffff000n) << 32n) | ((x & 0xfffn) << 8n) | ((y & 0xffffff00n) << 12n) | (y & 0xffn)
  );
}

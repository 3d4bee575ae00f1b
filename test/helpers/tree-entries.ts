import { createHash } from "node:crypto";
import { readNode } from "../../src/contents/read-node.ts";
import type { LeafNode, Node } from "../../src/model/node.ts";
import { makeDevice } from "../../src/system/syscalls.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import type { ListedEntry, TreeList } from "./list-tree.ts";

/** A tree in memory, listed as `listTree` lists a folder. */
export async function treeEntries(tree: FileTree): Promise<TreeList> {
  const names = new Map<LeafNode, string[]>();
  for (const { path, node } of tree.walk()) {
    if (node.type !== "directory") names.set(node, [...(names.get(node) ?? []), path]);
  }
  const entries: Record<string, ListedEntry> = Object.create(null) as Record<string, ListedEntry>;
  for (const { path, node } of tree.walk()) {
    const group = node.type === "directory" ? [] : (names.get(node) ?? []);
    entries[path] = {
      type: node.type,
      // Linux shows every symlink as 0777.
      mode: (node.type === "symlink" ? 0o777 : node.mode).toString(8),
      uid: node.uid,
      gid: node.gid,
      mtimeSeconds: node.mtimeSeconds,
      ...(await ownEntries(node)),
      ...(group.length > 1 ? { names: group.toSorted() } : {}),
      ...(node.xattrs === undefined
        ? {}
        : {
            xattrs: Object.fromEntries(
              [...node.xattrs].map(([name, value]) => [
                name,
                `0x${Buffer.from(value).toString("hex")}`,
              ]),
            ),
          }),
    };
  }
  return entries;
}

async function ownEntries(node: Node): Promise<Partial<ListedEntry>> {
  switch (node.type) {
    case "file": {
      const sha256 = createHash("sha256")
        .update(await readNode(node))
        .digest("hex");
      return { sizeBytes: node.sizeBytes, sha256 };
    }
    case "symlink":
      return { target: node.target };
    case "character-device":
    case "block-device":
      return { device: makeDevice(node.major, node.minor).toString(16) };
    case "directory":
    case "fifo":
    case "socket":
      return {};
    default:
      return node satisfies never;
  }
}

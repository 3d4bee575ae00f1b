import type { ByteString } from "../model/bytes-path.ts";
import type { Node } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";

const setGroupId = 0o2000;

/**
 * The node as the kernel makes it at the path: in a directory with the set-gid bit everything new gets the directory's
 * group, and directories its bit too (inode(7), S_ISGID). Debian's /var/mail and /usr/local are such places.
 */
export function inheritGroup<Made extends Node>(
  tree: FileTree,
  path: ByteString,
  node: Made,
): Made {
  const parent = tree.lookup(path.slice(0, Math.max(path.lastIndexOf("/"), 0)));
  if (!(parent instanceof Directory) || (parent.node.mode & setGroupId) === 0) return node;
  const { gid } = parent.node;
  return node.type === "directory"
    ? { ...node, gid, mode: node.mode | setGroupId }
    : { ...node, gid };
}

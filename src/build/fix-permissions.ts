import type { FileTree } from "../tree/file-tree.ts";
import type { Node } from "../model/node.ts";

/**
 * `--fix-perms`: the owner may enter and change every directory and read and write every file. Set-id and sticky bits
 * stay, where Apptainer 1.4 takes them away by accident.
 */
export function fixPermissions(tree: FileTree): void {
  // A node under two names must stay one node: a hard link.
  const fixed = new Map<Node, Node>();
  for (const { path, node } of Array.from(tree.walk())) {
    const bits = node.type === "directory" ? 0o700 : node.type === "file" ? 0o600 : 0;
    if ((node.mode & bits) === bits) continue;
    const made = fixed.get(node) ?? { ...node, mode: node.mode | bits };
    fixed.set(node, made);
    tree.put(path, made);
  }
}

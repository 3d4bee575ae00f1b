import { displayName } from "../model/bytes-path.ts";
import type { Node } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { Loss } from "../fake-root/witness.ts";

const setGroup = 0o2000;

/**
 * Owners that a script lost without asking for it, where it sees all files as root's: another file came into the place of
 * one that was somebody else's, as `useradd` does with /etc/shadow, and what was made in a folder that hands on its
 * group. What can't be known so is a copy under another name.
 * @param before the root file system when the script started
 * @param after the same when it had ended
 */
export function ownersLost(before: FileTree, after: FileTree): Loss[] {
  const losses: Loss[] = [];
  for (const { path, node } of after.walk()) {
    if (node.uid !== 0 || node.gid !== 0) continue;
    const old = before.get(path);
    if (old !== undefined) {
      if (old.type === node.type && (old.uid !== 0 || old.gid !== 0)) {
        losses.push({
          path: `/${displayName(path)}`,
          what: `owner ${old.uid}:${old.gid}, which it had before`,
        });
      }
      continue;
    }
    const parent: Node | undefined = after.get(path.slice(0, Math.max(path.lastIndexOf("/"), 0)));
    if (parent !== undefined && parent.gid !== 0 && (parent.mode & setGroup) !== 0) {
      losses.push({ path: `/${displayName(path)}`, what: `group ${parent.gid} of its folder` });
    }
  }
  return losses;
}

import type { ByteString } from "../model/bytes-path.ts";
import type { LeafNode } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import type { GlobPlace } from "./glob.ts";

/** As Linux has it (path_resolution(7)). */
const maxLinks = 40;

/**
 * A stage's tree as wildcards see it. They are looked for in the unpacked stage as in any folder of the machine, where an
 * absolute symlink leads out of the stage: below one nothing is found, as with Apptainer. Relative symlinks are followed.
 */
export function stagePlace(tree: FileTree): GlobPlace {
  return {
    names(folder) {
      const found = walk(tree, folder, true);
      return found instanceof Directory ? [...found.children.keys()] : undefined;
    },
    exists: (path) => walk(tree, path, path.endsWith("/")) !== undefined,
  };
}

function walk(
  tree: FileTree,
  path: ByteString,
  followLast: boolean,
): Directory | LeafNode | undefined {
  const pending = path.split("/").toReversed();
  const trail: (Directory | LeafNode)[] = [tree.root];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (trail.length === 1) return undefined;
      trail.pop();
      continue;
    }
    const at = trail.at(-1);
    const child = at instanceof Directory ? at.children.get(name) : undefined;
    if (child === undefined) return undefined;
    const isLast = pending.every((rest) => rest === "");
    if (child instanceof Directory || child.type !== "symlink" || (isLast && !followLast)) {
      trail.push(child);
      continue;
    }
    links++;
    if (links > maxLinks || child.target.startsWith("/")) return undefined;
    for (const part of child.target.split("/").toReversed()) pending.push(part);
  }
  return trail.at(-1);
}

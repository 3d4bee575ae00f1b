import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { LeafNode, Node } from "../model/node.ts";
import { Directory, type FileTree } from "./file-tree.ts";

/** As Linux has it (path_resolution(7)). */
const maxLinks = 40;

export interface ResolvedPath {
  /** The path with all symlinks before it followed: no leading slash, no `.` or `..`; empty for the root. */
  readonly path: ByteString;
  /** What is there, or undefined. */
  readonly node: Node | undefined;
  /** The same as the tree holds it: a directory with its children. */
  readonly held: Directory | LeafNode | undefined;
}

/**
 * Where a path leads when the tree is the root file system: symlinks are followed as after a chroot, absolute targets
 * start at the tree's root, and `..` stays in it. What is missing is taken literally, so that the path of something
 * that is yet to be made can be found.
 * @param followLast whether a symlink at the very end is followed too (yes if not said); a trailing slash follows it always
 * @throws {FormatError} `tree/link-loop` after 40 symlinks
 */
export function resolvePath(
  tree: FileTree,
  path: ByteString,
  { followLast = true }: { readonly followLast?: boolean } = {},
): ResolvedPath {
  const pending = path.split("/").toReversed();
  const names: ByteString[] = [];
  /** One more than names: what the root and each name stand for. */
  const held: (Directory | LeafNode | undefined)[] = [tree.root];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (names.pop() !== undefined) held.pop();
      continue;
    }
    const parent = held.at(-1);
    const child = parent instanceof Directory ? parent.children.get(name) : undefined;
    if (
      child === undefined ||
      child instanceof Directory ||
      child.type !== "symlink" ||
      (pending.length === 0 && !followLast)
    ) {
      names.push(name);
      held.push(child);
      continue;
    }
    links++;
    if (links > maxLinks) {
      throw new FormatError(
        "tree/link-loop",
        `the path ${displayName(path)} leads through more than ${maxLinks} symlinks`,
        { hint: "two symlinks of the image point at each other; one of them has to go" },
      );
    }
    if (child.target.startsWith("/")) {
      names.length = 0;
      held.length = 1;
    }
    for (const part of child.target.split("/").toReversed()) pending.push(part);
  }
  const last = held.at(-1);
  return {
    path: names.join("/"),
    node: last instanceof Directory ? last.node : last,
    held: last,
  };
}

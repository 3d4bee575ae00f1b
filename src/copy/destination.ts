import type { ByteString } from "../model/bytes-path.ts";
import { TsbuildError } from "../model/error.ts";
import type { DirectoryNode } from "../model/node.ts";
import type { CopyLine } from "../model/plan.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { resolvePath, type ResolvedPath } from "../tree/resolve-path.ts";
import { inheritGroup } from "./inherit-group.ts";
import { copyError, shown } from "./copy-error.ts";

/** `resolvePath` for a line: symlinks that lead in a circle are the line's error. @throws {ScriptError} `files/loop` */
export function resolveFor(tree: FileTree, path: ByteString, line: CopyLine): ResolvedPath {
  try {
    return resolvePath(tree, path);
  } catch (error) {
    if (!(error instanceof TsbuildError) || error.code !== "tree/link-loop") throw error;
    throw copyError("loop", line, `can't copy: ${error.message}`, error.hint, error);
  }
}

/** Where a copy goes: resolved, without a leading slash. */
export interface Destination {
  readonly path: ByteString;
  /** Whether a directory is there, so that the copy goes into it. */
  readonly isDirectory: boolean;
}

/**
 * Finds a destination in the tree, as after a chroot: symlinks on the way and at the end are followed, `..` stays inside.
 * Missing parents are made (0755, root's), and with a trailing slash the destination itself.
 * @throws {ScriptError} `files/target` where a file is in the way, `files/loop`
 */
export function openDestination(
  tree: FileTree,
  destination: ByteString,
  line: CopyLine,
  timeSeconds: number,
): Destination {
  const { path, held } = resolveFor(tree, destination, line);
  const wantsDirectory = destination.endsWith("/");
  if (held instanceof Directory) return { path, isDirectory: true };
  if (held !== undefined && wantsDirectory) {
    throw copyError(
      "target",
      line,
      `can't copy into ${shown(path)}/: there is a ${held.type} of that name`,
      "leave out the slash at the end to replace it",
    );
  }
  const names = path.split("/");
  if (!wantsDirectory) names.pop();
  const made: DirectoryNode = {
    type: "directory",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeSeconds: timeSeconds,
  };
  for (let count = 1; count <= names.length; count++) {
    const parent = names.slice(0, count).join("/");
    const there = tree.lookup(parent);
    if (there instanceof Directory) continue;
    if (there !== undefined) {
      throw copyError(
        "target",
        line,
        `can't copy to ${shown(path)}: ${shown(parent)} is a ${there.type}, not a directory`,
        "choose another destination",
      );
    }
    tree.put(parent, inheritGroup(tree, parent, made));
  }
  return { path, isDirectory: wantsDirectory };
}

/** A path in a directory of the tree; the root is the empty path. */
export const joined = (directory: ByteString, name: ByteString): ByteString =>
  directory === "" ? name : `${directory}/${name}`;

/** The last name of a path as it is written, slashes at its end left out. */
export function lastName(path: ByteString): ByteString {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

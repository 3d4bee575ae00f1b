import { toByteString, type ByteString } from "../model/bytes-path.ts";
import { TsbuildError } from "../model/error.ts";
import type { Attributes, DirectoryNode, FileNode } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { resolvePath } from "../tree/resolve-path.ts";

/** What every file that we write needs to know. */
export interface LayoutContext {
  /** Modification time of what is written, in whole seconds since 1970. */
  readonly timeSeconds: number;
}

const owned = (mode: number, context: LayoutContext): Attributes => ({
  mode,
  uid: 0,
  gid: 0,
  mtimeSeconds: context.timeSeconds,
});

/** A file of root's that holds the bytes, or the text as UTF-8. */
export function makeFile(
  content: string | Uint8Array,
  mode: number,
  context: LayoutContext,
): FileNode {
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
  return {
    type: "file",
    ...owned(mode, context),
    sizeBytes: bytes.length,
    content: { kind: "bytes", bytes },
  };
}

/** A directory of root's. */
export function makeDirectory(mode: number, context: LayoutContext): DirectoryNode {
  return { type: "directory", ...owned(mode, context) };
}

/**
 * Where a path leads, with symlinks followed as they would be inside the container; a link that leads in a circle is
 * not followed. No link can lead out of the tree: Apptainer follows links on the machine it runs on, so an image could
 * have it overwrite files of the host.
 */
export function placeOf(tree: FileTree, path: ByteString): ByteString {
  try {
    return resolvePath(tree, path).path;
  } catch (error) {
    if (error instanceof TsbuildError && error.code === "tree/link-loop") return nameOf(tree, path);
    throw error;
  }
}

/** Where a name itself is: only the links before it are followed. */
export function nameOf(tree: FileTree, path: ByteString): ByteString {
  return resolvePath(tree, path, { followLast: false }).path;
}

/**
 * Writes a file under its name. Links on the way to it are followed; one that has the name itself is replaced, so that no
 * image can have another of its files overwritten. Missing parents are made; attributes of existing ones stay.
 */
export function placeFile(
  tree: FileTree,
  path: ByteString,
  content: string | Uint8Array,
  mode: number,
  context: LayoutContext,
): void {
  const at = nameOf(tree, path);
  tree.put(at, makeFile(content, mode, context), makeDirectory(0o755, context));
}

/** Makes a directory where nothing has that name; whatever has it stays, a symlink too. */
export function placeDirectory(tree: FileTree, path: ByteString, context: LayoutContext): void {
  const at = nameOf(tree, path);
  if (tree.get(at) === undefined) {
    tree.put(at, makeDirectory(0o755, context), makeDirectory(0o755, context));
  }
}

/**
 * Makes a directory, and those above it, unless there is one already or a symlink leads to one; anything else in the way
 * is replaced.
 */
export function ensureDirectory(tree: FileTree, path: ByteString, context: LayoutContext): void {
  const names = path.split("/");
  for (const [index] of names.entries()) {
    const part = names.slice(0, index + 1).join("/");
    if (tree.get(placeOf(tree, part))?.type === "directory") continue;
    tree.put(nameOf(tree, part), makeDirectory(0o755, context));
  }
}

/** Makes a symlink where the name doesn't resolve; a link that leads nowhere is replaced. */
export function placeLink(
  tree: FileTree,
  path: ByteString,
  target: string,
  context: LayoutContext,
): void {
  const existing = tree.get(placeOf(tree, path));
  if (existing !== undefined && existing.type !== "symlink") return;
  tree.put(nameOf(tree, path), {
    type: "symlink",
    ...owned(0o777, context),
    target: toByteString(target),
  });
}

/** Gives what the path leads to another mode. */
export function forceMode(tree: FileTree, path: ByteString, mode: number): void {
  const at = placeOf(tree, path);
  const node = tree.get(at);
  if (node !== undefined && node.mode !== mode) tree.put(at, { ...node, mode });
}

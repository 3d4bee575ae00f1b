import { displayName, toByteString, type ByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { DirectoryNode, LeafNode } from "../model/node.ts";
import type { CopyLine } from "../model/plan.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { resolvePath } from "../tree/resolve-path.ts";
import { copyError, expandError, shown } from "./copy-error.ts";
import { joined, lastName, openDestination, resolveFor } from "./destination.ts";
import { expandWord } from "./expand-word.ts";
import { glob } from "./glob.ts";
import { similarNames } from "./similar-names.ts";
import { stagePlace } from "./stage-place.ts";

export interface StageCopyOptions {
  /** Modification time of directories that have to be made. */
  readonly timeSeconds: number;
  /** Values of `$NAME` in sources; without it no variable has a value. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** How the definition's text became bytes; UTF-8 if not given. */
  readonly encoding?: TextEncoding | undefined;
}

/** Something that was not copied. */
export interface CopyWarning {
  readonly code: "files/skipped";
  readonly message: string;
}

/**
 * `%files from STAGE`, as Apptainer 1.4 does it: sources start at the root of the stage, with or without a slash, and are
 * expanded like words of a shell. The named source is followed when it is a symlink, links below it stay links; what it
 * is called stays. Owner, mode and time are kept, and hard links within one copy; but the folder that is copied itself
 * becomes root's, 0755. Of extended attributes only file capabilities are kept. Devices and sockets are left out with a
 * warning. Files in the way are replaced, directories merged.
 *
 * Other than Apptainer we keep the set-uid bit of files with several names, copy pipes inside of folders, and refuse a
 * pipe as the source, where Apptainer waits for ever.
 * @throws {ScriptError} `files/missing`, `files/expand`, `files/fifo`, `files/target`
 */
export async function copyFromStage(
  target: FileTree,
  source: FileTree,
  lines: readonly CopyLine[],
  options: StageCopyOptions,
): Promise<{ readonly warnings: readonly CopyWarning[] }> {
  const warnings: CopyWarning[] = [];
  const skip = (path: ByteString, node: LeafNode) =>
    warnings.push({
      code: "files/skipped",
      message: `${shown(path)} is a ${node.type}, which is not copied`,
    });
  const toBytes = (text: string) =>
    Buffer.from(text, options.encoding ?? "utf8").toString("latin1");
  for (const line of lines) {
    for (const path of expand(toBytes(line.source), source, line, options)) {
      const found = resolveFor(source, path, line);
      const isFolder = found.held instanceof Directory;
      if (found.held === undefined || (path.endsWith("/") && !isFolder)) {
        throw missing(source, path, line);
      }
      const wanted = line.destination === line.source ? path : toBytes(line.destination);
      const destination = openDestination(target, wanted, line, options.timeSeconds);
      // `folder/` means what is in it, once there is a directory to copy it into.
      const name = path.endsWith("/") ? "" : lastName(path);
      const to =
        destination.isDirectory && name !== "" ? joined(destination.path, name) : destination.path;
      if (found.held instanceof Directory) {
        copyFolder(found.held, target, to, line, options.timeSeconds, (below, node) =>
          skip(joined(found.path, below), node),
        );
      } else copyLeaf(found.held, path, target, to, line, skip);
    }
  }
  return await Promise.resolve({ warnings });
}

function expand(
  word: ByteString,
  source: FileTree,
  line: CopyLine,
  { environment }: StageCopyOptions,
): ByteString[] {
  try {
    const variable = (name: string) => {
      const value = environment?.[name];
      return value === undefined ? undefined : toByteString(value);
    };
    const place = stagePlace(source);
    // From the stage's root: a tilde at the start means itself.
    return expandWord(`/${word}`, variable).flatMap((pattern) => glob(pattern, place).map(clean));
  } catch (error) {
    throw expandError(error, line);
  }
}

/** Without `.`, `..` and doubled slashes, by the text alone; a slash at the end stays. */
function clean(path: ByteString): ByteString {
  const names: ByteString[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}${path.endsWith("/") && names.length > 0 ? "/" : ""}`;
}

function copyLeaf(
  node: LeafNode,
  path: ByteString,
  target: FileTree,
  to: ByteString,
  line: CopyLine,
  skip: (path: ByteString, node: LeafNode) => void,
): void {
  if (node.type === "fifo") {
    throw copyError(
      "fifo",
      line,
      `can't copy ${displayName(path)}: it is a pipe`,
      "make the pipe in %post with mkfifo",
    );
  }
  const copied = copyOf(node);
  if (copied === undefined) skip(path.slice(1), node);
  else target.put(to, copied);
}

/** What arrives of a node, as an inode of its own; undefined for what is not copied. */
function copyOf(node: LeafNode): LeafNode | undefined {
  if (["character-device", "block-device", "socket"].includes(node.type)) return undefined;
  return { ...node, xattrs: keptXattrs(node) };
}

function keptXattrs({ xattrs }: LeafNode | DirectoryNode): LeafNode["xattrs"] {
  const capability = xattrs?.get("security.capability");
  return capability === undefined ? undefined : new Map([["security.capability", capability]]);
}

function copyFolder(
  from: Directory,
  target: FileTree,
  to: ByteString,
  line: CopyLine,
  timeSeconds: number,
  skip: (below: ByteString, node: LeafNode) => void,
): void {
  // A symlink to a directory is as good as the directory.
  const { path: top, held } = resolveFor(target, to, line);
  if (held !== undefined && !(held instanceof Directory)) {
    throw copyError(
      "target",
      line,
      `can't copy a folder over ${shown(top)}, which is a ${held.type}`,
      "choose another destination",
    );
  }
  if (held === undefined) {
    target.put(top, { type: "directory", mode: 0o755, uid: 0, gid: 0, mtimeSeconds: timeSeconds });
  }
  const copies = new Map<LeafNode, LeafNode | undefined>();
  const pending: [Directory, ByteString][] = [[from, ""]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [directory, below] = next;
    for (const [name, child] of directory.sorted()) {
      const path = joined(below, name);
      if (child instanceof Directory) {
        target.put(joined(top, path), { ...child.node, xattrs: keptXattrs(child.node) });
        pending.push([child, path]);
        continue;
      }
      const copied = copies.has(child) ? copies.get(child) : copyOf(child);
      copies.set(child, copied);
      if (copied === undefined) skip(path, child);
      else target.put(joined(top, path), copied);
    }
  }
}

function missing(source: FileTree, path: ByteString, line: CopyLine): unknown {
  const cut = path.replace(/\/+$/, "").lastIndexOf("/");
  const parent = resolvePath(source, path.slice(0, cut)).held;
  const names = parent instanceof Directory ? parent.children.keys() : [];
  const similar = similarNames(lastName(path), names);
  const isLink =
    resolvePath(source, path.replace(/\/+$/, ""), { followLast: false }).node?.type === "symlink";
  return copyError(
    "missing",
    line,
    `can't copy ${displayName(path)} from the stage: ${isLink ? "it is a symlink that leads nowhere" : "there is no such file or directory"}`,
    similar.length > 0
      ? `did you mean ${similar.map(displayName).join(" or ")}?`
      : "the path is one of the other stage; wildcards find nothing below an absolute symlink",
  );
}

// The file system of an OCI image is its layers, applied one after the other (OCI Image Format, "Layer Filesystem
// Changeset"). The judge is `umoci unpack`, which is also what Apptainer unpacks with. Known differences:
//
//   - parent directories that no entry names are 0755, root's, with time 0; umoci gives them, and an existing directory
//     that it makes one in, the time of unpacking, and Apptainer runs it with a umask that makes them 0775
//   - a path through a file replaces the file by a directory, as umoci does since 0.6; before it was an error
//   - `..` may not lead out of the root: an error here, cut off at the root there
//   - a whiteout of nothing, `.` or `..` is an error, as in umoci since 0.6 for nothing; before it removed directories
//   - a hard link to itself, or to something below the directory that it replaces, works; umoci removes the target first
//   - symlinks are always 0777, as on Linux

import { displayName, type ByteString } from "../model/bytes-path.ts";
import type { ContentSource } from "../model/content.ts";
import { FormatError } from "../model/error.ts";
import type { LayerEntry } from "../model/layer-entry.ts";
import type { Attributes, DirectoryNode, FileNode, LeafNode } from "../model/node.ts";
import { Directory, type FileTree } from "./file-tree.ts";
import { resolvePath } from "./resolve-path.ts";
import { maxNameBytes, maxPathBytes, pathInside } from "./safe-path.ts";

const whiteoutPrefix = ".wh.";
const opaqueMarker = ".wh..wh..opq";
/** Names that AUFS kept for itself; engines leave them out when they unpack. */
const aufsPrefix = ".wh..wh.";

/** XATTR_SIZE_MAX of Linux. */
const maxXattrValueBytes = 65_536;

/** They describe the machine where the layer was made; every engine drops them. */
const hostXattrs: ReadonlySet<ByteString> = new Set(["security.selinux", "system.nfs4_acl"]);

const implicitDirectory: DirectoryNode = {
  type: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
};

/**
 * Changes the tree as the layer says. Entries are taken in order, the last of several for one path wins.
 *
 * Whiteouts (`.wh.NAME`, and `.wh..wh..opq` for all that a directory held) remove what lower layers brought and never
 * what this layer brings, wherever they stand in it. Paths are followed through symlinks inside the tree, but for their
 * last part. Hard links share the node of the other name, which may come from a lower layer. A character device 0:0,
 * overlayfs' own whiteout, is a device like any other here.
 * @param source where the contents of the files are read from; its name is in the messages
 * @throws {FormatError} `tree/path-escape`, `tree/bad-name`, `tree/link-loop`, `tree/link-target`,
 *   `tree/bad-whiteout`, `tree/bad-xattr`, `tree/root-not-directory`
 */
export function applyLayer(
  tree: FileTree,
  entries: Iterable<LayerEntry>,
  source: ContentSource,
): void {
  const layer = new Layer(tree, source);
  for (const entry of entries) {
    try {
      layer.apply(entry);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(error.code, `layer ${source.name}: ${error.message}`, {
        hint: error.hint ?? "the layer was made by a faulty tool; make the image again",
        cause: error,
      });
    }
  }
}

class Layer {
  readonly #tree: FileTree;
  readonly #source: ContentSource;
  /** What this layer brought, and the directories on the way there: the names in each directory. */
  readonly #own = new Map<Directory, Set<ByteString>>();

  constructor(tree: FileTree, source: ContentSource) {
    this.#tree = tree;
    this.#source = source;
  }

  apply(entry: LayerEntry): void {
    const names = pathInside(entry.path);
    const last = names.pop();
    if (last === undefined) {
      if (entry.type !== "directory") {
        throw new FormatError(
          "tree/root-not-directory",
          `the root of a tree can't be a ${entry.type}`,
        );
      }
      this.#tree.root.node = { type: "directory", ...attributesOf(entry) };
      return;
    }
    const parent = resolvePath(this.#tree, names.join("/"));
    if (last.startsWith(whiteoutPrefix)) {
      if (parent.held instanceof Directory) this.#whiteOut(parent.held, last, entry.path);
      return;
    }
    const made =
      entry.type === "hard-link"
        ? this.#linked(entry)
        : entry.type === "directory"
          ? undefined
          : this.#leaf(entry, entry.type);
    const directory = this.#directoryAt(parent.path);
    this.#claim(directory, last);
    if (made !== undefined) {
      directory.children.set(last, made);
      return;
    }
    const node: DirectoryNode = { type: "directory", ...attributesOf(entry) };
    const existing = directory.children.get(last);
    if (existing instanceof Directory) existing.node = node;
    else directory.children.set(last, new Directory(node));
  }

  /** The directory at a resolved path. What is missing is made, what is no directory is replaced. */
  #directoryAt(path: ByteString): Directory {
    let at = this.#tree.root;
    if (path === "") return at;
    for (const name of path.split("/")) {
      this.#claim(at, name);
      let next = at.children.get(name);
      if (!(next instanceof Directory)) {
        next = new Directory(implicitDirectory);
        at.children.set(name, next);
      }
      at = next;
    }
    return at;
  }

  #claim(directory: Directory, name: ByteString): void {
    const own = this.#own.get(directory);
    if (own === undefined) this.#own.set(directory, new Set([name]));
    else own.add(name);
  }

  #whiteOut(parent: Directory, marker: ByteString, path: ByteString): void {
    if (marker === opaqueMarker) this.#removeLower(parent);
    else if (!marker.startsWith(aufsPrefix)) {
      const name = marker.slice(whiteoutPrefix.length);
      if (name === "" || name === "." || name === "..") {
        throw new FormatError(
          "tree/bad-whiteout",
          `the whiteout ${displayName(path)} doesn't say which name to remove`,
        );
      }
      const child = parent.children.get(name);
      if (this.#own.get(parent)?.has(name) !== true) parent.children.delete(name);
      else if (child instanceof Directory) this.#removeLower(child);
    }
  }

  /** Takes away all below a directory that this layer did not bring. */
  #removeLower(directory: Directory): void {
    const stack = [directory];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const own = this.#own.get(at);
      for (const [name, child] of at.children) {
        if (own?.has(name) !== true) at.children.delete(name);
        else if (child instanceof Directory) stack.push(child);
      }
    }
  }

  #linked(entry: LayerEntry): LeafNode {
    const names = pathInside(entry.linkTarget);
    const last = names.pop();
    // The last part is not followed: a hard link to a symlink is another name of the symlink.
    const parent = resolvePath(this.#tree, names.join("/")).held;
    const target =
      last === undefined
        ? this.#tree.root
        : parent instanceof Directory
          ? parent.children.get(last)
          : undefined;
    if (target === undefined || target instanceof Directory) {
      throw new FormatError(
        "tree/link-target",
        `${displayName(entry.path)} is a hard link to ${displayName(entry.linkTarget)}, which is ${target === undefined ? "not there (yet)" : "a directory"}`,
      );
    }
    return target;
  }

  #leaf(entry: LayerEntry, type: LeafNode["type"]): LeafNode {
    const attributes = attributesOf(entry);
    if (type === "file") return { type, ...attributes, ...this.#contentOf(entry) };
    if (type === "symlink") return { type, ...attributes, mode: 0o777, target: symlinkText(entry) };
    if (type === "fifo" || type === "socket") return { type, ...attributes };
    return { type, ...attributes, major: entry.major, minor: entry.minor };
  }

  #contentOf(entry: LayerEntry): Pick<FileNode, "sizeBytes" | "content"> {
    const { sizeBytes, dataOffset: position, storedBytes: lengthBytes, data } = entry;
    if (sizeBytes === 0) return { sizeBytes, content: { kind: "bytes", bytes: new Uint8Array() } };
    const extent = { kind: "extent", source: this.#source, position, lengthBytes } as const;
    return { sizeBytes, content: data === undefined ? extent : { ...extent, data } };
  }
}

function symlinkText(entry: LayerEntry): ByteString {
  const { path, linkTarget: target } = entry;
  if (target !== "" && target.length <= maxPathBytes && !target.includes("\0")) return target;
  throw new FormatError(
    "tree/link-target",
    `the target of the symlink ${displayName(path)} is empty, holds a NUL byte or is longer than ${maxPathBytes} bytes`,
  );
}

function attributesOf(entry: LayerEntry): Attributes {
  const { mode, uid, gid, mtimeSeconds } = entry;
  const xattrs = entry.xattrs && acceptedXattrs(entry.xattrs, entry.path);
  return xattrs === undefined
    ? { mode, uid, gid, mtimeSeconds }
    : { mode, uid, gid, mtimeSeconds, xattrs };
}

function acceptedXattrs(
  xattrs: ReadonlyMap<ByteString, Uint8Array>,
  path: ByteString,
): ReadonlyMap<ByteString, Uint8Array> | undefined {
  const kept = [...xattrs].filter(([name]) => !hostXattrs.has(name));
  for (const [name, { length }] of kept) {
    const isPossible =
      name !== "" &&
      name.length <= maxNameBytes &&
      !name.includes("\0") &&
      length <= maxXattrValueBytes;
    if (!isPossible) {
      throw new FormatError(
        "tree/bad-xattr",
        `the extended attribute ${displayName(name.slice(0, maxNameBytes))} of ${displayName(path)} can't be: its name is empty or over ${maxNameBytes} bytes, or its value over ${maxXattrValueBytes}`,
      );
    }
  }
  if (kept.length === 0) return undefined;
  return kept.length === xattrs.size ? xattrs : new Map(kept);
}

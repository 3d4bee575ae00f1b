import type { ByteString } from "../model/bytes-path.ts";
import type { Directory } from "../tree/file-tree.ts";
import type { DirectoryHandle } from "./directory-handle.ts";

/** A name in a directory of the tree. */
export interface Place {
  readonly directory: Directory;
  readonly name: ByteString;
}

/** More would be faster only for trees that nobody has; every process may have at least 1024 open files. */
const maxOpen = 128;

/**
 * The opened directories of a tree that is being written, so that files can be written in any order: the most recently
 * used stay open. Each is opened in its parent, up to the root.
 */
export class DirectoryHandles {
  readonly #root: Directory;
  readonly #rootHandle: DirectoryHandle;
  readonly #places = new Map<Directory, Place>();
  /** In the order of their last use. */
  readonly #open = new Map<Directory, DirectoryHandle>();
  /** The last two that were asked for. */
  #inUse: readonly [Directory, Directory];
  readonly #onWidened: (directory: Directory) => void;

  /** @param onWidened told of directories whose mode had to be widened, and must be set again in the end */
  constructor(
    root: Directory,
    rootHandle: DirectoryHandle,
    onWidened: (directory: Directory) => void,
  ) {
    this.#root = root;
    this.#rootHandle = rootHandle;
    this.#onWidened = onWidened;
    this.#inUse = [root, root];
    if (rootHandle.widened) onWidened(root);
  }

  /** Says where a directory of the tree is found on disk. */
  place(directory: Directory, parent: Directory, name: ByteString): void {
    this.#places.set(directory, { directory: parent, name });
  }

  /** The path of a name in a directory. */
  pathIn({ directory, name }: Place): ByteString {
    const parent = this.pathOf(directory);
    return parent === "" ? name : `${parent}/${name}`;
  }

  /** Where a name in a directory can be reached; good until the call after the next. */
  at({ directory, name }: Place): Buffer {
    return this.get(directory).at(name);
  }

  /** The path of a directory that has a place, from the root, without a leading slash. */
  pathOf(directory: Directory): ByteString {
    const names: ByteString[] = [];
    for (
      let at = this.#places.get(directory);
      at !== undefined;
      at = this.#places.get(at.directory)
    ) {
      names.push(at.name);
    }
    return names.toReversed().join("/");
  }

  /** How many directories are above it. */
  depthOf(directory: Directory): number {
    let depth = 0;
    for (
      let at = this.#places.get(directory);
      at !== undefined;
      at = this.#places.get(at.directory)
    ) {
      depth++;
    }
    return depth;
  }

  /** The handle of a directory; good until the call after the next. */
  get(directory: Directory): DirectoryHandle {
    this.#inUse = [this.#inUse[1], directory];
    if (directory === this.#root) return this.#rootHandle;
    const known = this.#open.get(directory);
    if (known !== undefined) {
      this.#open.delete(directory);
      this.#open.set(directory, known);
      return known;
    }
    // From the nearest open directory above down to this one, without recursion: trees can be deep.
    const missing: [Directory, Place][] = [];
    let handle: DirectoryHandle | undefined;
    for (let at = directory; handle === undefined;) {
      const place = this.#places.get(at);
      if (place === undefined) throw new Error("a directory without a place");
      missing.push([at, place]);
      at = place.directory;
      handle = at === this.#root ? this.#rootHandle : this.#open.get(at);
    }
    for (const [child, { name }] of missing.toReversed()) {
      const opened: DirectoryHandle = handle.open(name);
      if (opened.widened) this.#onWidened(child);
      this.#open.set(child, opened);
      handle = opened;
      this.#closeOldest();
    }
    return handle;
  }

  close(): void {
    for (const handle of this.#open.values()) handle.close();
    this.#open.clear();
    this.#rootHandle.close();
  }

  #closeOldest(): void {
    if (this.#open.size <= maxOpen) return;
    for (const [directory, handle] of this.#open) {
      if (this.#inUse.includes(directory)) continue;
      handle.close();
      this.#open.delete(directory);
      return;
    }
  }
}

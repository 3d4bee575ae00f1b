import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
} from "node:fs";
import { resolve } from "node:path";
import { setImmediate } from "node:timers/promises";
import { bytesOf, toByteString, type ByteString } from "../model/bytes-path.ts";
import type { Content } from "../model/content.ts";
import { HostError } from "../model/error.ts";
import type { DirectoryNode, LeafNode } from "../model/node.ts";
import { makeNode } from "../system/syscalls.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { AttributeWriter } from "./apply-attributes.ts";
import { openDirectory } from "./directory-handle.ts";
import { DirectoryHandles, type Place } from "./directory-handles.ts";
import { ContentWriter } from "./content-writer.ts";
import { createFile } from "./file-being-written.ts";
import { makeDeviceOrPlaceholder } from "./make-device.ts";
import { namedEntry, openedDirectory, openedFile } from "./disk-entry.ts";
import { errnoOf, folderError, writeError } from "./folder-error.ts";
import { Ledger } from "./ledger.ts";
import { makeShelter } from "./make-shelter.ts";
import { removeEntry } from "./remove-entry.ts";
import { TreeChange } from "./tree-change.ts";

export interface WriteFolderOptions {
  /**
   * The tree that the folder holds already, as it was last written or read: then only differences are written. Nodes are
   * compared by identity; the same node means the same inode.
   */
  readonly previous?: FileTree | undefined;
  /** Takes what the disk can't hold. */
  readonly ledger?: Ledger | undefined;
  /** Where the folder's files are read from, if that is another folder: an overlay's upper layer. */
  readonly contentsFolder?: string | undefined;
  /** Contents that are cheaper to have elsewhere. */
  readonly elsewhere?: ReadonlyMap<Content, Content> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Puts a tree on disk: contents (holes stay holes), hard links, devices, owners, modes, times and extended attributes.
 * Without `previous` the folder must be missing or empty. What a plain user or the file system can't hold is kept in the
 * ledger instead, an empty file in a device's place; nothing is lost on the way back through `readFolder`.
 *
 * The folder may be in the hands of an enemy: symlinks in it are never followed.
 * @returns the ledger, a new one if none was given
 * @throws {HostError} `folder/not-empty`, `folder/no-space`, `folder/write`, `folder/changed` when the folder is not as
 *   `previous` says; and whatever reading the contents throws. The folder is then unusable.
 */
export async function writeFolder(
  tree: FileTree,
  folder: string,
  options: WriteFolderOptions = {},
): Promise<Ledger> {
  const ledger = options.ledger ?? new Ledger();
  const path = resolve(folder);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") {
      throw folderError(error, "folder/write", `can't make the folder ${folder}`);
    }
    if (options.previous === undefined) checkEmpty(path);
  }
  const writer = new FolderWriter(tree, path, ledger, options);
  try {
    await writer.write();
  } finally {
    writer.close();
  }
  return ledger;
}

function checkEmpty(folder: string): void {
  try {
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    throw folderError(error, "folder/write", `can't use the folder ${folder}`);
  }
  throw new HostError("folder/not-empty", `the folder ${folder} is not empty`, {
    hint: "name a folder that doesn't exist yet, or empty this one",
  });
}

class FolderWriter {
  readonly #tree: FileTree;
  readonly #folder: string;
  readonly #contentsFolder: string;
  readonly #signal: AbortSignal | undefined;
  readonly #change: TreeChange;
  readonly #handles: DirectoryHandles;
  readonly #attributes: AttributeWriter;
  /** Directories whose attributes have to be set in the end, with the node that they have now if they are not new. */
  readonly #touched = new Set<Directory>();
  readonly #before = new Map<Directory, DirectoryNode>();
  /** Where an inode can be had for further names. */
  readonly #sources = new Map<LeafNode, Place>();
  readonly #contents: ContentWriter;
  readonly #links: { readonly node: LeafNode; readonly to: Place }[] = [];
  readonly #updated = new Set<LeafNode>();
  /** For messages. */
  #at: ByteString = "";
  #steps = 0;

  constructor(tree: FileTree, folder: string, ledger: Ledger, options: WriteFolderOptions) {
    this.#tree = tree;
    this.#folder = folder;
    this.#contentsFolder = options.contentsFolder ?? folder;
    this.#signal = options.signal;
    this.#change = new TreeChange(options.previous, tree);
    this.#attributes = new AttributeWriter(ledger);
    try {
      this.#handles = new DirectoryHandles(tree.root, openDirectory(folder), (directory) =>
        this.#touched.add(directory),
      );
    } catch (error) {
      throw folderError(error, "folder/write", `can't open the folder ${folder}`);
    }
    this.#contents = new ContentWriter(this.#handles, options);
  }

  close(): void {
    this.#handles.close();
  }

  async write(): Promise<void> {
    try {
      const shelter = this.#shelter();
      await this.#writeNames();
      await this.#contents.write(this.#attributes, async (path) => {
        this.#at = path;
        await this.#breathe();
      });
      this.#writeLinks();
      if (shelter !== undefined) {
        await removeEntry(this.#handles.get(this.#tree.root), shelter, shelter);
      }
      this.#writeDirectories();
    } catch (error) {
      throw writeError(error, this.#at, this.#folder);
    }
  }

  /** Brings to safety what is needed under a name that is about to go. Gives the name of the place. */
  #shelter(): ByteString | undefined {
    if (this.#change.before === undefined) return undefined;
    const folder = toByteString(realpathSync(this.#contentsFolder));
    const endangered = [...this.#change.endangered(folder)];
    if (endangered.length === 0) return undefined;
    const { root } = this.#tree;
    this.#touched.add(root);
    const shelter = makeShelter(endangered, this.#handles, root, (path) => (this.#at = path));
    for (const [node, place] of shelter.places) {
      if (!shelter.contentsOnly.has(node)) this.#sources.set(node, place);
      else if (node.type === "file") {
        const path = bytesOf(`${folder}/${this.#handles.pathIn(place)}`);
        this.#contents.readFrom(node, { kind: "host-file", path });
      }
    }
    return shelter.name;
  }

  /** Everything but contents, further names of an inode, and the attributes of directories. */
  async #writeNames(): Promise<void> {
    const { root } = this.#tree;
    const pending: [Directory, Directory | undefined][] = [[root, this.#change.before?.root]];
    this.#enter(root, this.#change.before?.root);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, before] = next;
      const prefix = this.#handles.pathOf(directory);
      for (const name of before?.children.keys() ?? []) {
        if (!directory.children.has(name)) await this.#remove({ directory, name });
      }
      for (const [name, child] of directory.children) {
        this.#at = prefix === "" ? name : `${prefix}/${name}`;
        await this.#breathe();
        const old = before?.children.get(name);
        if (child instanceof Directory) {
          this.#handles.place(child, directory, name);
          const same = old instanceof Directory ? old : undefined;
          if (same === undefined) {
            if (old !== undefined) await this.#remove({ directory, name });
            mkdirSync(this.#handles.at({ directory, name }), { mode: 0o700 });
            this.#touched.add(directory);
          }
          this.#enter(child, same);
          pending.push([child, same]);
        } else if (child !== old) await this.#writeLeaf(child, old, { directory, name });
      }
    }
  }

  #enter(directory: Directory, before: Directory | undefined): void {
    if (before !== undefined) this.#before.set(directory, before.node);
    if (before?.node !== directory.node) this.#touched.add(directory);
  }

  async #remove(place: Place): Promise<void> {
    this.#touched.add(place.directory);
    this.#at = this.#handles.pathIn(place);
    await removeEntry(this.#handles.get(place.directory), place.name, this.#at);
  }

  async #writeLeaf(
    node: LeafNode,
    old: Directory | LeafNode | undefined,
    place: Place,
  ): Promise<void> {
    if (
      old !== undefined &&
      !(old instanceof Directory) &&
      this.#change.isOnlyAttributes(old, node)
    ) {
      if (this.#updated.has(node)) return;
      this.#updated.add(node);
      const path = this.#handles.at(place);
      this.#attributes.apply(namedEntry(path), node, old);
      return;
    }
    if (old !== undefined) await this.#remove(place);
    this.#touched.add(place.directory);
    const source = this.#sources.get(node) ?? this.#placeOf(this.#change.stayingPlace(node));
    this.#sources.set(node, source ?? place);
    if (source === undefined) this.#makeLeaf(node, place);
    else this.#links.push({ node, to: place });
  }

  #placeOf(path: ByteString | undefined): Place | undefined {
    if (path === undefined) return undefined;
    const slash = path.lastIndexOf("/");
    const directory = this.#tree.lookup(path.slice(0, Math.max(slash, 0)));
    return directory instanceof Directory ? { directory, name: path.slice(slash + 1) } : undefined;
  }

  #makeLeaf(node: LeafNode, place: Place): void {
    const path = this.#handles.at(place);
    switch (node.type) {
      case "file": {
        if (node.sizeBytes > 0) {
          this.#contents.add(node, place);
          return;
        }
        const fd = createFile(path);
        try {
          this.#attributes.apply(openedFile(fd, path), node);
        } finally {
          closeSync(fd);
        }
        return;
      }
      case "symlink":
        symlinkSync(bytesOf(node.target), path);
        break;
      case "fifo":
      case "socket":
        makeNode(path, node.type, 0o600);
        break;
      case "character-device":
      case "block-device":
        makeDeviceOrPlaceholder(path, node);
    }
    this.#attributes.apply(namedEntry(path), node);
  }

  #writeLinks(): void {
    for (const { node, to } of this.#links) {
      this.#at = this.#handles.pathIn(to);
      const source = this.#sources.get(node);
      if (source === undefined) throw new Error("a link to a file that nobody made");
      try {
        linkSync(this.#handles.at(source), this.#handles.at(to));
      } catch (error) {
        if (errnoOf(error) !== "EMLINK") throw error;
        this.#startInode(node, source, to);
      }
    }
  }

  /** An inode can have so many names only (65,000 on ext4): a copy takes the rest. */
  #startInode(node: LeafNode, source: Place, to: Place): void {
    this.#sources.set(node, to);
    if (node.type !== "file") {
      this.#makeLeaf(node, to);
      return;
    }
    const path = this.#handles.at(to);
    copyFileSync(this.#handles.at(source), path, constants.COPYFILE_EXCL);
    this.#attributes.apply(namedEntry(path), node);
  }

  /** From the deepest up: what a directory's mode denies isn't needed any more, and its time stays. */
  #writeDirectories(): void {
    // Opening may widen directories above, which then are touched as well.
    if (this.#change.before !== undefined) {
      for (const directory of this.#touched) this.#handles.get(directory);
    }
    const byDepth = [...this.#touched].map(
      (directory) => [directory, this.#handles.depthOf(directory)] as const,
    );
    for (const [directory] of byDepth.toSorted(([, a], [, b]) => b - a)) {
      this.#at = this.#handles.pathOf(directory);
      const entry = openedDirectory(this.#handles.get(directory));
      this.#attributes.apply(entry, directory.node, this.#before.get(directory));
    }
  }

  /** Lets a Ctrl-C through now and then. */
  async #breathe(): Promise<void> {
    if (++this.#steps % 1000 !== 0) return;
    await setImmediate();
    this.#signal?.throwIfAborted();
  }
}

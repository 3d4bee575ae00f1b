// Inodes and directory listings. A listing says where the inodes of its entries are, so that they are written first, and
// a directory's inode says where its listing is: the walk goes from the leaves to the root. Inode numbers are given
// before, from the root to the leaves in the order of names, the root's being the last.

import { displayName, bytesOf, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { FileNode, LeafNode, Node } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import type { BlockCompressor } from "./compressor.ts";
import type { StoredFile } from "./stored-file.ts";
import {
  encodeDevice,
  encodeDirectory,
  encodeFile,
  encodeSpecial,
  encodeSymlink,
  type InodeHead,
} from "./encode-inode.ts";
import { inodeTypes, limits } from "./format.ts";
import { IdTable } from "./id-table.ts";
import { MetadataWriter, type MetadataPosition } from "./metadata-writer.ts";
import { writeListing, type ListingEntry } from "./write-listing.ts";
import { XattrTable } from "./xattr-table.ts";

/** The children of a directory, in order, and who they are. */
interface Frame {
  readonly directory: Directory;
  readonly path: ByteString;
  readonly number: number;
  readonly parentNumber: number;
  readonly children: readonly [ByteString, Directory | LeafNode][];
  /** The inode numbers of the children that were passed. */
  readonly numbers: number[];
  /** Where the inodes of subdirectories are. */
  readonly inodes: Map<ByteString, MetadataPosition>;
}

export class TableWriter {
  readonly inodes: MetadataWriter;
  readonly directories: MetadataWriter;
  readonly ids = new IdTable();
  readonly xattrs: XattrTable;
  readonly #tree: FileTree;
  readonly #storedFile: (node: FileNode) => StoredFile | undefined;
  readonly #links = new Map<LeafNode, number>();
  /** Of leaves with several names. */
  readonly #numbers = new Map<LeafNode, number>();
  readonly #written = new Map<LeafNode, MetadataPosition>();
  #lastNumber = 0;
  #inodeCount = 0;

  constructor(
    tree: FileTree,
    storedFile: (node: FileNode) => StoredFile | undefined,
    compressor: BlockCompressor,
    onDroppedXattr: (path: ByteString, name: ByteString) => void,
  ) {
    this.#tree = tree;
    this.#storedFile = storedFile;
    this.inodes = new MetadataWriter(compressor);
    this.directories = new MetadataWriter(compressor);
    this.xattrs = new XattrTable(compressor, onDroppedXattr);
  }

  get inodeCount(): number {
    return this.#inodeCount;
  }

  /** Writes all inodes and listings and says where the root's inode is. */
  writeAll(): MetadataPosition {
    const { root } = this.#tree;
    this.#count();
    const stack = [this.#frame(root, "", this.#inodeCount, this.#inodeCount + 1)];
    let last: MetadataPosition = { block: 0, offset: 0 };
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const child = frame.children[frame.numbers.length];
      if (child === undefined) {
        last = this.#finishDirectory(frame);
        stack.pop();
        stack.at(-1)?.inodes.set(nameOf(frame.path), last);
        continue;
      }
      const [name, node] = child;
      const number = this.#numberOf(node);
      frame.numbers.push(number);
      if (node instanceof Directory) {
        const path = frame.path === "" ? name : `${frame.path}/${name}`;
        stack.push(this.#frame(node, path, number, frame.number));
      }
    }
    return last;
  }

  #frame(directory: Directory, path: ByteString, number: number, parentNumber: number): Frame {
    const children = directory.sorted();
    return { directory, path, number, parentNumber, children, numbers: [], inodes: new Map() };
  }

  /** The next inode number, or the one that a leaf has under an earlier name. */
  #numberOf(node: Directory | LeafNode): number {
    const known = node instanceof Directory ? undefined : this.#numbers.get(node);
    if (known !== undefined) return known;
    this.#lastNumber += 1;
    if (!(node instanceof Directory) && (this.#links.get(node) ?? 1) > 1) {
      this.#numbers.set(node, this.#lastNumber);
    }
    return this.#lastNumber;
  }

  /** Counts inodes, and the names of each leaf. */
  #count(): void {
    const stack = [this.#tree.root];
    let directories = 0;
    for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
      directories += 1;
      for (const child of directory.children.values()) {
        if (child instanceof Directory) stack.push(child);
        else this.#links.set(child, (this.#links.get(child) ?? 0) + 1);
      }
    }
    this.#inodeCount = directories + this.#links.size;
  }

  /** The leaves' inodes (those of subdirectories are written already), the listing, and the directory's own inode. */
  #finishDirectory(frame: Frame): MetadataPosition {
    const { directory, path, number, parentNumber, children, numbers, inodes } = frame;
    const entries: ListingEntry[] = [];
    let subdirectories = 0;
    for (const [index, [name, child]] of children.entries()) {
      const inodeNumber = numbers[index] ?? 0;
      const bytes = bytesOf(name);
      const childPath = path === "" ? name : `${path}/${name}`;
      const isDirectory = child instanceof Directory;
      if (isDirectory) subdirectories += 1;
      entries.push({
        name: bytes,
        inode: isDirectory
          ? (inodes.get(name) ?? { block: 0, offset: 0 })
          : this.#writeLeaf(child, childPath, inodeNumber),
        inodeNumber,
        type: inodeTypes[isDirectory ? "directory" : child.type],
      });
    }
    const listing = writeListing(this.directories, entries);
    const head = this.#head(directory.node, path, number, 2 + subdirectories);
    return this.#append(encodeDirectory(head, listing, parentNumber), path);
  }

  #writeLeaf(node: LeafNode, path: ByteString, number: number): MetadataPosition {
    const written = this.#written.get(node);
    if (written !== undefined) return written;
    const links = this.#links.get(node) ?? 1;
    const head = this.#head(node, path, number, links);
    const position = this.#append(this.#encodeLeaf(head, node), path);
    if (links > 1) this.#written.set(node, position);
    return position;
  }

  #encodeLeaf(head: InodeHead, node: LeafNode): Buffer {
    if (node.type === "file") return encodeFile(head, node.sizeBytes, this.#storedFile(node));
    if (node.type === "symlink") return encodeSymlink(head, node);
    if (!("major" in node)) return encodeSpecial(head, node);
    return encodeDevice(head, node);
  }

  #head(node: Node, path: ByteString, number: number, links: number): InodeHead {
    return {
      attributes: node,
      uid: this.ids.numberOf(node.uid),
      gid: this.ids.numberOf(node.gid),
      number,
      links,
      xattrs: this.xattrs.numberOf(node.xattrs, path),
    };
  }

  #append(inode: Buffer, path: ByteString): MetadataPosition {
    const { position } = this.inodes;
    if (
      position.block > limits.tableBytes ||
      this.directories.position.block > limits.tableBytes ||
      this.#inodeCount > 0xffff_fffe
    ) {
      throw new FormatError(
        "squashfs/limit",
        `an image can't hold as many files: at /${displayName(path)}`,
        {
          hint: "put data into archives, or bind it into the container instead",
        },
      );
    }
    this.inodes.append(inode);
    return position;
  }
}

function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1);
}

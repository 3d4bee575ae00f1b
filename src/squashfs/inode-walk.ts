import type { ByteString } from "../model/bytes-path.ts";
import { decodeInode, type DecodedInode } from "./decode-inode.ts";
import type { ImageTables } from "./image-tables.ts";
import { readListing } from "./read-listing.ts";

/** The longest path that Linux can use. */
const mostPathBytes = 4096;

export type DirectoryInode = Extract<DecodedInode, { type: "directory" }>;
export type LeafInode = Exclude<DecodedInode, { type: "directory" }>;

/** An inode under one of its names. */
export interface WalkedEntry {
  readonly name: ByteString;
  readonly inode: DecodedInode;
  /** Which inode it is: the same number, the same inode. */
  readonly reference: number;
  /** How long the path is. */
  readonly pathBytes: number;
}

/** The way from an image's root to its inodes, refusing what no tree can be. */
export class InodeWalk {
  readonly #tables: ImageTables;
  readonly #seen = new Set<number>();

  constructor(tables: ImageTables) {
    this.#tables = tables;
  }

  /** Directories that were reached; each is reached once. */
  get directoryCount(): number {
    return this.#seen.size;
  }

  /** @throws {FormatError} `squashfs/damaged` */
  root(): DirectoryInode {
    const { rootInode } = this.#tables.superblock;
    const root = this.#inode(Math.floor(rootInode / 65536), rootInode % 65536);
    if (root.type !== "directory") {
      throw this.#tables.context.image.damaged("its root is not a directory");
    }
    this.#seen.add(rootInode);
    return root;
  }

  /**
   * What is in a directory, in the order of its list.
   * @param pathBytes how long the directory's path is
   * @throws {FormatError} `squashfs/damaged`
   */
  *list(directory: DirectoryInode, pathBytes: number): Generator<WalkedEntry> {
    if (directory.listingBytes === 0) return;
    const { directories, context } = this.#tables;
    const { image, budget } = context;
    const at = directories.locate(directory.listingBlock, directory.listingOffset);
    const names = new Set<ByteString>();
    for (const entry of readListing(directories, at, directory.listingBytes, image)) {
      const { name, block, offset } = entry;
      const inode = this.#inode(block, offset);
      const reference = block * 65536 + offset;
      const length = pathBytes + name.length + 1;
      budget.take(400 + name.length + (inode.type === "symlink" ? inode.target.length : 0));
      if (names.has(name)) throw image.damaged("a directory has a name twice");
      names.add(name);
      if (length > mostPathBytes) throw image.damaged("it has a path longer than Linux can use");
      if (inode.type === "directory") {
        if (this.#seen.has(reference)) throw image.damaged("a directory is in two places");
        this.#seen.add(reference);
      }
      yield { name, inode, reference, pathBytes: length };
    }
  }

  #inode(block: number, offset: number): DecodedInode {
    const { inodes, superblock, context } = this.#tables;
    const inode = decodeInode(
      inodes,
      inodes.locate(block, offset),
      superblock.blockSizeBytes,
      context.image,
    );
    if (inode.uid >= superblock.idCount || inode.gid >= superblock.idCount) {
      throw context.image.damaged("a file has an owner that is not in the table of owners");
    }
    return inode;
  }
}

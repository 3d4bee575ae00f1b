import type { FileHandle } from "node:fs/promises";
import type { ByteString } from "../model/bytes-path.ts";
import type { Attributes, DirectoryNode, LeafNode } from "../model/node.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import { decodeInode, type DecodedInode } from "./decode-inode.ts";
import { loadDecompressor } from "./decompressors.ts";
import { superblockBytes } from "./format.ts";
import { ImageReader } from "./image-reader.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { MetadataTable, readLookupTable, type TableContext } from "./metadata-table.ts";
import { readListing } from "./read-listing.ts";
import { checkedLength, SquashfsSource, type StoredBlock } from "./squashfs-source.ts";
import { decodeSuperblock, type Superblock } from "./superblock.ts";
import { XattrReader } from "./xattr-reader.ts";

/** The longest path that Linux can use. */
const mostPathBytes = 4096;

/** An image with all that was read of it. */
export interface SquashfsImage {
  readonly superblock: Superblock;
  readonly tree: FileTree;
  readonly source: SquashfsSource;
  /** Distinct inodes in the tree. */
  readonly inodeCount: number;
  /** Where tables begin and end, in the order in which they should lie, without gaps. */
  readonly tableEnds: readonly { readonly start: number; readonly end: number }[];
}

/**
 * The tree of a SquashFS 4.0 image. Tables are read now, contents when somebody asks: the file must stay open until
 * then, and is not closed here. Images from elsewhere may be damaged or made to do harm; what doesn't fit ends in an
 * error, in time and memory that the image's size bounds.
 *
 * @param name the image, for messages
 * @throws {FormatError} `squashfs/not-squashfs`, `squashfs/unsupported`, `squashfs/damaged`
 * @throws {HostError} `host/file-unreadable`
 */
export async function readSquashfs(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
  name = "the image",
): Promise<FileTree> {
  return (await readSquashfsImage(file, offsetBytes, sizeBytes, name)).tree;
}

/** As `readSquashfs`, with what else there is to know. */
export async function readSquashfsImage(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
  name: string,
): Promise<SquashfsImage> {
  const image = new ImageReader(file.fd, offsetBytes, sizeBytes, name);
  const superblock = decodeSuperblock(
    image.read(0, Math.min(superblockBytes, sizeBytes)),
    sizeBytes,
    name,
  );
  const context: TableContext = {
    image,
    decompress: await loadDecompressor(superblock.compressorId, name),
    budget: new MemoryBudget(sizeBytes, name),
  };
  return new TreeReader(context, superblock).read();
}

class TreeReader {
  readonly #context: TableContext;
  readonly #superblock: Superblock;
  readonly #links = new Map<number, LeafNode>();
  readonly #directories = new Set<number>();
  #leaves = 0;

  constructor(context: TableContext, superblock: Superblock) {
    this.#context = context;
    this.#superblock = superblock;
  }

  async read(): Promise<SquashfsImage> {
    const superblock = this.#superblock;
    const context = this.#context;
    const { image } = context;
    const ids = await readLookupTable(
      context,
      "table of owners",
      superblock.idTable,
      4 * superblock.idCount,
    );
    const fragments = await this.#readFragments();
    const xattrs =
      superblock.xattrTable === undefined
        ? undefined
        : await XattrReader.read(context, superblock.xattrTable);
    const inodes = await MetadataTable.read(
      context,
      "inode table",
      superblock.inodeTable,
      superblock.directoryTable,
    );
    const directories = await MetadataTable.read(
      context,
      "directory table",
      superblock.directoryTable,
      fragments.start ?? this.#exportStart() ?? ids.start,
    );
    const source = new SquashfsSource(
      context,
      superblock.blockSizeBytes,
      superblock.usedBytes,
      fragments.blocks,
    );
    const tree = this.#readTree({ inodes, directories, ids: ids.records, xattrs, source });
    source.arrange();
    const ends = [
      { start: superblock.inodeTable, end: inodes.end },
      { start: superblock.directoryTable, end: directories.end },
      ...(fragments.start === undefined ? [] : [{ start: fragments.start, end: fragments.end }]),
      { start: ids.start, end: ids.end },
      ...(xattrs === undefined ? [] : [{ start: xattrs.start, end: xattrs.end }]),
    ];
    if (tree === undefined) throw image.damaged("its root is not a directory");
    return {
      superblock,
      tree,
      source,
      inodeCount: this.#directories.size + this.#leaves,
      tableEnds: ends,
    };
  }

  #exportStart(): number | undefined {
    const { exportTable } = this.#superblock;
    if (exportTable === undefined) return undefined;
    return Number(this.#context.image.read(exportTable, 8).readBigUInt64LE(0));
  }

  async #readFragments(): Promise<{
    readonly blocks: readonly StoredBlock[];
    readonly start: number | undefined;
    readonly end: number;
  }> {
    const { fragmentCount, fragmentTable, blockSizeBytes, usedBytes } = this.#superblock;
    if (fragmentCount === 0) return { blocks: [], start: undefined, end: 0 };
    const { image, budget } = this.#context;
    const table = await readLookupTable(
      this.#context,
      "fragment table",
      fragmentTable,
      16 * fragmentCount,
    );
    budget.take(100 * fragmentCount);
    const blocks: StoredBlock[] = [];
    for (let at = 0; at < table.records.length; at += 16) {
      const position = Number(table.records.readBigUInt64LE(at));
      const word = table.records.readUInt32LE(at + 8);
      const length = checkedLength(word, blockSizeBytes);
      if (length === undefined || position + length > usedBytes) {
        throw image.damaged(`fragment ${blocks.length} can't be where it is said to be`);
      }
      blocks.push({ position, word });
    }
    return { blocks, start: table.start, end: table.end };
  }

  /** Undefined when the root is no directory. */
  #readTree(tables: Tables): FileTree | undefined {
    const { rootInode } = this.#superblock;
    const root = this.#inode(tables, Math.floor(rootInode / 65536), rootInode % 65536);
    if (root.type !== "directory") return undefined;
    const tree = new FileTree(this.#directoryNode(root, tables));
    this.#directories.add(rootInode);
    const stack: [Directory, Extract<DecodedInode, { type: "directory" }>, number][] = [
      [tree.root, root, 0],
    ];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const [directory, inode, pathBytes] = top;
      for (const { name, block, offset } of this.#list(tables, inode)) {
        const child = this.#inode(tables, block, offset);
        const reference = block * 65536 + offset;
        const length = pathBytes + name.length + 1;
        this.#checkEntry(directory, name, length, child, reference);
        if (child.type === "directory") {
          this.#directories.add(reference);
          const made = new Directory(this.#directoryNode(child, tables));
          directory.children.set(name, made);
          stack.push([made, child, length]);
        } else directory.children.set(name, this.#leaf(child, reference, tables));
      }
    }
    return tree;
  }

  #list({ directories }: Tables, inode: Extract<DecodedInode, { type: "directory" }>) {
    if (inode.listingBytes === 0) return [];
    const at = directories.locate(inode.listingBlock, inode.listingOffset);
    return readListing(directories, at, inode.listingBytes, this.#context.image);
  }

  #checkEntry(
    directory: Directory,
    name: ByteString,
    pathBytes: number,
    child: DecodedInode,
    reference: number,
  ): void {
    const { image, budget } = this.#context;
    budget.take(400 + name.length + (child.type === "symlink" ? child.target.length : 0));
    if (directory.children.has(name)) throw image.damaged("a directory has a name twice");
    if (pathBytes > mostPathBytes) throw image.damaged("it has a path longer than Linux can use");
    if (child.type === "directory" && this.#directories.has(reference)) {
      throw image.damaged("a directory is in two places");
    }
  }

  #inode({ inodes }: Tables, block: number, offset: number): DecodedInode {
    const at = inodes.locate(block, offset);
    return decodeInode(inodes, at, this.#superblock.blockSizeBytes, this.#context.image);
  }

  #leaf(
    inode: Exclude<DecodedInode, { type: "directory" }>,
    reference: number,
    tables: Tables,
  ): LeafNode {
    const known = this.#links.get(reference);
    if (known !== undefined) return known;
    const node = leafNode(inode, this.#attributes(inode, tables), tables.source);
    this.#leaves += 1;
    if (inode.links > 1) this.#links.set(reference, node);
    return node;
  }

  #directoryNode(inode: DecodedInode, tables: Tables): DirectoryNode {
    return { type: "directory", ...this.#attributes(inode, tables) };
  }

  #attributes(inode: DecodedInode, { ids, xattrs }: Tables): Attributes {
    const { image } = this.#context;
    if (inode.uid >= this.#superblock.idCount || inode.gid >= this.#superblock.idCount) {
      throw image.damaged("a file has an owner that is not in the table of owners");
    }
    const set = xattrs?.get(inode.xattrs);
    return {
      mode: inode.mode,
      uid: ids.readUInt32LE(4 * inode.uid),
      gid: ids.readUInt32LE(4 * inode.gid),
      mtimeSeconds: inode.mtimeSeconds,
      ...(set === undefined ? {} : { xattrs: set }),
    };
  }
}

interface Tables {
  readonly inodes: MetadataTable;
  readonly directories: MetadataTable;
  readonly ids: Buffer;
  readonly xattrs: XattrReader | undefined;
  readonly source: SquashfsSource;
}

function leafNode(
  inode: Exclude<DecodedInode, { type: "directory" }>,
  attributes: Attributes,
  source: SquashfsSource,
): LeafNode {
  if (inode.type === "file") {
    const { type, sizeBytes } = inode;
    return { type, ...attributes, sizeBytes, content: source.add(inode) };
  }
  if (inode.type === "symlink") return { type: inode.type, ...attributes, target: inode.target };
  if ("major" in inode) {
    return { type: inode.type, ...attributes, major: inode.major, minor: inode.minor };
  }
  return { type: inode.type, ...attributes };
}

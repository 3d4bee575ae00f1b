import type { FileHandle } from "node:fs/promises";
import { loadDecompressor, loadThreadedDecompressor } from "./decompressors.ts";
import { superblockBytes } from "./format.ts";
import { ImageReader } from "./image-reader.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { MetadataTable, readLookupTable, type TableContext } from "./metadata-table.ts";
import { checkedLength, SquashfsSource, type StoredBlock } from "./squashfs-source.ts";
import { decodeSuperblock, type Superblock } from "./superblock.ts";
import { XattrReader } from "./xattr-reader.ts";

/** The tables of an image, unpacked, and what its contents are read through. */
export interface ImageTables {
  readonly context: TableContext;
  readonly superblock: Superblock;
  readonly inodes: MetadataTable;
  readonly directories: MetadataTable;
  /** Owners: 4 bytes each. */
  readonly ids: Buffer;
  readonly xattrs: XattrReader | undefined;
  readonly source: SquashfsSource;
  /** Where tables begin and end, in the order in which they lie. */
  readonly places: readonly { readonly start: number; readonly end: number }[];
}

/**
 * Reads the tables of an image that is a stretch of a file.
 * @param name the image, for messages
 * @throws {FormatError} `squashfs/not-squashfs`, `squashfs/unsupported`, `squashfs/damaged`
 * @throws {HostError} `host/file-unreadable`
 */
export async function readImageTables(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
  name: string,
): Promise<ImageTables> {
  const image = new ImageReader(file.fd, offsetBytes, sizeBytes, name);
  const head = image.read(0, Math.min(superblockBytes, sizeBytes));
  const superblock = decodeSuperblock(head, sizeBytes, name);
  const context: TableContext = {
    image,
    decompress: await loadDecompressor(superblock.compressorId, name),
    decompressElsewhere: await loadThreadedDecompressor(superblock.compressorId, name),
    budget: new MemoryBudget(sizeBytes, name),
  };
  const { idTable, idCount, xattrTable, inodeTable, directoryTable } = superblock;
  const ids = await readLookupTable(context, "table of owners", idTable, 4 * idCount);
  const fragments = await readFragments(context, superblock);
  const xattrs = xattrTable === undefined ? undefined : await XattrReader.read(context, xattrTable);
  const inodes = await MetadataTable.read(context, "inode table", inodeTable, directoryTable);
  const directories = await MetadataTable.read(
    context,
    "directory table",
    directoryTable,
    fragments?.start ?? exportStart(context, superblock) ?? ids.start,
  );
  const source = new SquashfsSource(
    context,
    superblock.blockSizeBytes,
    superblock.usedBytes,
    fragments?.blocks ?? [],
  );
  const places = [
    { start: inodeTable, end: inodes.end },
    { start: directoryTable, end: directories.end },
    fragments,
    ids,
    xattrs,
  ].filter((place) => place !== undefined);
  return { context, superblock, inodes, directories, ids: ids.records, xattrs, source, places };
}

function exportStart({ image }: TableContext, { exportTable }: Superblock): number | undefined {
  if (exportTable === undefined) return undefined;
  return Number(image.read(exportTable, 8).readBigUInt64LE(0));
}

/** Undefined where an image has none. */
async function readFragments(
  context: TableContext,
  { fragmentCount, fragmentTable, blockSizeBytes, usedBytes }: Superblock,
): Promise<
  | {
      readonly blocks: readonly StoredBlock[];
      readonly start: number;
      readonly end: number;
    }
  | undefined
> {
  if (fragmentCount === 0) return undefined;
  const { image, budget } = context;
  const bytes = 16 * fragmentCount;
  const table = await readLookupTable(context, "fragment table", fragmentTable, bytes);
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

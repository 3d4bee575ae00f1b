import type { FileHandle } from "node:fs/promises";
import type { ByteString } from "../model/bytes-path.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { checkLimits } from "./check-limits.ts";
import type { CompressorChoice } from "./compression.ts";
import { compressors } from "./compressors.ts";
import { DistinctContents } from "./distinct-contents.ts";
import { clampSeconds } from "./encode-inode.ts";
import { flags, paddingBytes, superblockBytes } from "./format.ts";
import { ImageFile } from "./image-file.ts";
import { encodeLookupTable } from "./lookup-table.ts";
import { encodeSuperblock } from "./superblock.ts";
import { TableWriter } from "./table-writer.ts";
import { writeData } from "./write-data.ts";

/**
 * Where data begins. Apptainer looks for the text ` run-singularity` in the first 2048 bytes of a partition, and takes
 * an image that has it there for an executable of its own; so nothing of a file's content may be there.
 */
const dataStart = 2048;

/** Twice that of mksquashfs: a percent smaller, and reading takes a tenth longer (docs/decisions/0024). */
const usualBlockBytes = 262144;

export interface SquashfsOptions {
  readonly compressor: CompressorChoice;
  /** A power of two from 4096 to 1048576; 262144 if not given. */
  readonly blockSizeBytes?: number | undefined;
  /** When the image was made, in seconds. */
  readonly timeSeconds: number;
  /** Threads that compress; as many as there are processors if not given. They never change the image. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many bytes of contents are read. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** Told of extended attributes that SquashFS can't hold, which are left out: all but user, trusted and security. */
  readonly onDroppedXattr?: ((path: ByteString, name: ByteString) => void) | undefined;
}

export interface SquashfsWritten {
  /** With the padding: a multiple of 4096. */
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  /** Of contents, as a reader sees them; every hard link's once. */
  readonly contentBytes: number;
}

/**
 * Writes a tree as SquashFS 4.0, from the offset to the end of the file, which is cut or made longer to fit. The same
 * tree and options give the same bytes, however many threads there are and however fast they are.
 *
 * The order of data is that of `readContents`. Files that fit into less than a block share blocks; contents that are
 * there several times are stored once; blocks of zeros are not stored.
 *
 * @throws {FormatError} `squashfs/limit` for what the format can't hold, and what reading the contents throws
 */
export async function writeSquashfs(
  tree: FileTree,
  output: { readonly file: FileHandle; readonly offset: number },
  options: SquashfsOptions,
): Promise<SquashfsWritten> {
  const blockSizeBytes = options.blockSizeBytes ?? usualBlockBytes;
  checkLimits(tree);
  const compressor = compressors[options.compressor.name];
  const optionsBlock = compressor.optionsBlock(options.compressor.level);
  const loaded = await compressor.load(options.compressor.level);
  options.signal?.throwIfAborted();

  const image = new ImageFile(output.file, output.offset);
  const contents = new DistinctContents(tree);
  const data = await writeData(contents, image, {
    compressor: options.compressor,
    blockSizeBytes,
    position: dataStart,
    workers: options.workers,
    signal: options.signal,
    onProgress: options.onProgress,
  });

  const tables = new TableWriter(
    tree,
    (node) => data.storedFile(contents.representative(node)),
    loaded,
    options.onDroppedXattr ?? (() => {}),
  );
  const rootInode = tables.writeAll();
  // Some kernels want a directory table even where all directories are empty.
  if (tables.directories.position.block === 0 && tables.directories.position.offset === 0) {
    tables.directories.append(Buffer.alloc(1));
  }

  let position = data.position;
  const put = (table: { chunks: readonly Uint8Array[]; sizeBytes: number }) => {
    image.writeAll(table.chunks, position);
    position += table.sizeBytes;
  };
  const inodeTable = position;
  put(tables.inodes.finish());
  const directoryTable = position;
  put(tables.directories.finish());
  // Readers older than 2022 want the table's place to be there even when there are no fragments.
  let fragmentTable = position;
  if (data.fragments.length > 0) {
    const table = encodeLookupTable(encodeFragments(data.fragments), position, loaded);
    fragmentTable = table.indexPosition;
    put(table);
  }
  const ids = encodeLookupTable(tables.ids.encode(), position, loaded);
  put(ids);
  const xattrs = tables.xattrs.encode(position);
  if (xattrs !== undefined) put(xattrs);

  const sizeBytes = Math.ceil(position / paddingBytes) * paddingBytes;
  await output.file.truncate(output.offset + position);
  await output.file.truncate(output.offset + sizeBytes);
  if (optionsBlock !== undefined) {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(0x8000 + optionsBlock.length, 0);
    image.writeAll([length, optionsBlock], superblockBytes);
  }
  const storesAll = options.compressor.name === "none";
  image.write(
    encodeSuperblock({
      inodeCount: tables.inodeCount,
      timeSeconds: clampSeconds(options.timeSeconds),
      blockSizeBytes,
      fragmentCount: data.fragments.length,
      compressorId: compressor.id,
      flags:
        flags.duplicatesShared +
        (optionsBlock === undefined ? 0 : flags.compressorOptions) +
        (storesAll
          ? flags.inodesStored +
            flags.dataStored +
            flags.fragmentsStored +
            flags.xattrsStored +
            flags.idsStored
          : 0),
      idCount: tables.ids.count,
      rootInode: rootInode.block * 65536 + rootInode.offset,
      usedBytes: position,
      idTable: ids.indexPosition,
      xattrTable: xattrs?.indexPosition,
      inodeTable,
      directoryTable,
      fragmentTable,
      exportTable: undefined,
    }),
    0,
  );
  await image.finish();
  return {
    sizeBytes,
    usedBytes: position,
    inodes: tables.inodeCount,
    contentBytes: contents.totalBytes,
  };
}

function encodeFragments(
  fragments: readonly { readonly position: number; readonly lengthWord: number }[],
): Buffer {
  const bytes = Buffer.alloc(16 * fragments.length);
  let at = 0;
  for (const { position, lengthWord } of fragments) {
    at = bytes.writeBigUInt64LE(BigInt(position), at);
    at = bytes.writeUInt32LE(lengthWord, at) + 4;
  }
  return bytes;
}

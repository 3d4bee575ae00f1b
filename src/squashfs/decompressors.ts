import { promisify } from "node:util";
import { inflate, inflateSync, zstdDecompress, zstdDecompressSync } from "node:zlib";
import { FormatError } from "../model/error.ts";
import { compressorIds } from "./format.ts";

/**
 * Unpacks one block.
 * @param mostBytes how long the result may be; more is an error
 * @throws anything, when the block is damaged
 */
export type Decompress = (input: Uint8Array, mostBytes: number) => Uint8Array | Promise<Uint8Array>;

const names = new Map<number, string>(
  Object.entries(compressorIds).map(([name, id]) => [id, name]),
);

/** @throws {FormatError} `squashfs/unsupported` */
export async function loadDecompressor(id: number, image: string): Promise<Decompress> {
  switch (id) {
    case compressorIds.gzip:
      return gunzip;
    case compressorIds.zstd:
      return (input, mostBytes) => zstdDecompressSync(input, inOnePiece(mostBytes));
    case compressorIds.xz:
      return (await import("./decompress-xz.ts")).decompressXz;
    default:
      throw new FormatError(
        "squashfs/unsupported",
        `${image} is compressed with ${names.get(id) ?? `method ${id}`}, which tsbuild can't read`,
        { hint: "pack the image again with gzip: unsquashfs, then mksquashfs" },
      );
  }
}

const inflateElsewhere = promisify(inflate);
const zstdElsewhere = promisify(zstdDecompress);

/**
 * The same by other threads, where there is a way: for several blocks at once. A block costs more than with
 * `loadDecompressor`, and must stay as it is until it is unpacked.
 */
export async function loadThreadedDecompressor(id: number, image: string): Promise<Decompress> {
  switch (id) {
    case compressorIds.gzip:
      return (input, mostBytes) => inflateElsewhere(input, inOnePiece(mostBytes));
    case compressorIds.zstd:
      return (input, mostBytes) => zstdElsewhere(input, inOnePiece(mostBytes));
    default:
      return loadDecompressor(id, image);
  }
}

/** One block of an image whose compressor is called gzip: a zlib stream. */
export function gunzip(input: Uint8Array, mostBytes: number): Uint8Array {
  return inflateSync(input, inOnePiece(mostBytes));
}

/** The result comes in one piece when there is room for one byte more than it can have. */
function inOnePiece(mostBytes: number) {
  return { chunkSize: Math.max(64, mostBytes + 1), maxOutputLength: mostBytes };
}

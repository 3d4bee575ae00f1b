import type { CompressorName } from "./compression.ts";
import type { Compressor } from "./compressor.ts";
import { gzipCompressor } from "./compressor-gzip.ts";
import { noCompressor } from "./compressor-none.ts";
import { zstdCompressor } from "./compressor-zstd.ts";

/** A new way to compress is a file and a line here (and its levels in `compression.ts`). */
export const compressors: Readonly<Record<CompressorName, Compressor>> = {
  gzip: gzipCompressor,
  zstd: zstdCompressor,
  none: noCompressor,
};

import { constants, zstdCompressSync } from "node:zlib";
import { giveBack } from "../system/give-back.ts";
import type { Compressor } from "./compressor.ts";
import { compressorIds } from "./format.ts";

/** Each block one Zstandard frame (RFC 8878). */
export const zstdCompressor: Compressor = {
  id: compressorIds.zstd,
  optionsBlock(level) {
    if (level === 15) return undefined;
    const block = Buffer.alloc(4);
    block.writeUInt32LE(level, 0);
    return block;
  },
  async load(level) {
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    return {
      compress(input, output) {
        // With its size known a block becomes a single segment, whose window is no larger than the block. The kernel
        // has no memory for larger windows and fails to read them.
        const compressed = zstdCompressSync(input, {
          params,
          pledgedSrcSize: input.length,
          // All in one piece; what takes two is not going to be used.
          chunkSize: Math.max(64, input.length),
        });
        const { length } = compressed;
        const isSmaller = length < input.length;
        if (isSmaller) output.set(compressed);
        giveBack(compressed);
        return isSmaller ? length : 0;
      },
    };
  },
};

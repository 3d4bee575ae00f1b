import type { Compressor } from "./compressor.ts";
import { compressorIds } from "./format.ts";
import { looksPacked } from "./looks-packed.ts";

/** What the format calls gzip: each block a zlib stream (RFC 1950). */
export const gzipCompressor: Compressor = {
  id: compressorIds.gzip,
  optionsBlock(level) {
    if (level === 9) return undefined;
    const block = Buffer.alloc(8);
    // Readers know nothing above 9; levels 10 to 12 are libdeflate's own.
    block.writeUInt32LE(Math.min(level, 9), 0);
    block.writeUInt16LE(15, 4);
    return block;
  },
  async load(level) {
    const { Libdeflate } = await import("./libdeflate.ts");
    const libdeflate = new Libdeflate();
    return {
      compress(input, output) {
        // Most of what is packed already gets a little smaller; the lowest level finds that little as well.
        return libdeflate.compress(level < 10 && looksPacked(input) ? 1 : level, input, output);
      },
    };
  },
};

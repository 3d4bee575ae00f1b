import type { Compressor } from "./compressor.ts";
import { compressorIds } from "./format.ts";

/** Everything is stored as it is. The format has no number for that: the image says gzip and uses it nowhere. */
export const noCompressor: Compressor = {
  id: compressorIds.gzip,
  optionsBlock: () => undefined,
  load: async () => ({ compress: () => 0 }),
};

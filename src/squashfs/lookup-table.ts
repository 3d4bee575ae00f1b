import type { BlockCompressor } from "./compressor.ts";
import { MetadataWriter } from "./metadata-writer.ts";

/** A table that is looked up by number: metadata blocks, and behind them an index of where the blocks are. */
export interface LookupTable {
  readonly chunks: readonly Uint8Array[];
  /** Position of the index, which is how the superblock names the table. */
  readonly indexPosition: number;
  readonly sizeBytes: number;
}

/** @param position where the table will begin in the image */
export function encodeLookupTable(
  records: Uint8Array,
  position: number,
  compressor: BlockCompressor,
): LookupTable {
  const writer = new MetadataWriter(compressor);
  writer.append(records);
  const { chunks, sizeBytes } = writer.finish();
  const index = Buffer.alloc(8 * writer.blockPositions.length);
  for (const [number, block] of writer.blockPositions.entries()) {
    index.writeBigUInt64LE(BigInt(position + block), 8 * number);
  }
  return {
    chunks: [...chunks, index],
    indexPosition: position + sizeBytes,
    sizeBytes: sizeBytes + index.length,
  };
}

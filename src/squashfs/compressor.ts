/** Compresses one block after the other. */
export interface BlockCompressor {
  /**
   * @param output at least as long as the input
   * @returns how many bytes were written to the output, or 0 when they would not be fewer than the input's
   */
  compress(input: Uint8Array, output: Uint8Array): number;
}

/** A way to compress, as the format and the worker threads need to know it. */
export interface Compressor {
  /** Its number in the superblock. */
  readonly id: number;
  /** What says in the image how blocks were compressed; undefined where that is the format's default. */
  optionsBlock(level: number): Buffer | undefined;
  /** Loads what it needs; that may be heavy. */
  load(level: number): Promise<BlockCompressor>;
}

import { pipeline, Readable, type Duplex } from "node:stream";

/** Output pieces of decompressors: Node's own default of 16 KiB halves their speed. */
export const outputChunkBytes = 256 * 1024;

/**
 * What a transform makes of the chunks. Its failure and the chunks' are thrown; leaving the loop early stops both.
 */
export async function* transformed(
  chunks: AsyncIterable<Uint8Array>,
  transform: Duplex,
): AsyncGenerator<Uint8Array, void, undefined> {
  const input = Readable.from(chunks, { objectMode: true, highWaterMark: 2 });
  // The iteration below throws whatever goes wrong in the pipeline.
  pipeline(input, transform, () => undefined);
  yield* transform as AsyncIterable<Uint8Array>;
}

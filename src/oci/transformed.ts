import type { Duplex } from "node:stream";

/** Output pieces of compressors: Node's own default of 16 KiB halves their speed. */
export const outputChunkBytes = 256 * 1024;

/**
 * Decompressors give out much more, and each piece wakes two threads. Some pieces may lie ready: else a decompressor and
 * its reader wait for each other all the time. To the stream they are objects, for it would copy all bytes that lie
 * ready into one piece.
 */
export const decompressorOptions = {
  chunkSize: 1024 * 1024,
  readableObjectMode: true,
  readableHighWaterMark: 3,
  writableHighWaterMark: 3 * 1024 * 1024,
};

/**
 * What a transform makes of the chunks. Its failure and the chunks' are thrown; leaving the loop early stops both.
 * @param onTaken told of each chunk when the transform has no more use for it
 */
export async function* transformed(
  chunks: AsyncIterable<Uint8Array>,
  transform: Duplex,
  onTaken?: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Never fails: what goes wrong with the chunks becomes the transform's failure, and that is thrown here.
  void feed(chunks, transform, onTaken);
  yield* transform as AsyncIterable<Uint8Array>;
}

/** Gives the chunks to the transform, until one of both ends. */
async function feed(
  chunks: AsyncIterable<Uint8Array>,
  transform: Duplex,
  onTaken: ((chunk: Uint8Array) => void) | undefined,
): Promise<void> {
  const closed = new Promise<void>((resolve) => transform.once("close", resolve));
  try {
    for await (const chunk of chunks) {
      const hasRoom = transform.write(chunk, (error) => {
        if (error == null) onTaken?.(chunk);
      });
      if (!hasRoom) {
        await Promise.race([closed, new Promise((resolve) => transform.once("drain", resolve))]);
      }
      if (transform.destroyed) return;
    }
    transform.end();
  } catch (error) {
    transform.destroy(error as Error);
  }
}

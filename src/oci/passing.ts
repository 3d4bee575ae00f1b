import { outputChunkBytes } from "./transformed.ts";

/**
 * Decompressed chunks for who only looks at each: valid until the next step, when its memory is given back at once.
 * Left to V8, memory outside of its heap is given back late, and each 30 MB of it make V8 mark all of the heap, which is
 * a third of the work of reading a big layer.
 */
export async function* passing(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    yield chunk;
    const { buffer } = chunk;
    // Node's decompressors fill a buffer, giving out what is new in it, and then take the next one: who comes to a
    // buffer's end is the last to hold it. Smaller buffers may be slices of one that is used for other things.
    const isLast = chunk.byteOffset + chunk.length === buffer.byteLength;
    if (isLast && buffer.byteLength >= outputChunkBytes && buffer instanceof ArrayBuffer) {
      buffer.transfer(0);
    }
  }
}

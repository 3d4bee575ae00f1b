/**
 * Frees the memory of bytes that nobody will look at again: all of the buffer that they are in, if it is a big one.
 * Left to V8, memory outside of its heap is freed late, and each 30 MB of it make V8 mark all of the heap.
 */
export function giveBack({ buffer }: Uint8Array): void {
  // Small buffers may be slices of one that Node cuts all small ones from.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0);
}

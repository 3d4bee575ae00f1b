import { cLibrary } from "../system/c-library.ts";

/** Memory that system calls get by its address, which stays. */
export interface Area {
  /** As a number, which is handed to a call faster than a buffer or a BigInt: those of programs have 47 bits. */
  readonly address: number;
  readonly bytes: Buffer;
  /** The same memory in words of 32 bits, in the machine's own order. */
  readonly words: Uint32Array;
}

/** Takes memory, all zero. @param sizeBytes a multiple of 4 */
export function makeArea(sizeBytes: number): Area {
  // Small arrays may lie where V8 moves them; the memory of an ArrayBuffer of one's own never does.
  const memory = new ArrayBuffer(sizeBytes);
  const bytes = Buffer.from(memory);
  const address = Number(cLibrary().koffi.address(bytes));
  return { address, bytes, words: new Uint32Array(memory) };
}

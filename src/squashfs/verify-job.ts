// What the threads that verify an image are started with, and what they tell.

export interface VerifySetup {
  /** The descriptor of the image's file; threads of one process share it. */
  readonly descriptor: number;
  readonly offset: number;
  readonly compressorId: number;
  readonly blockSizeBytes: number;
  /** Four numbers for each block: position, length word, and how long it must be at least and at most. */
  readonly blocks: SharedArrayBuffer;
  readonly count: number;
  /** The next block that nobody has taken yet. */
  readonly next: SharedArrayBuffer;
}

export const numbersForEachBlock = 4;

/** Blocks that a thread takes at once, in order, so that it reads a stretch of the file. */
export const blocksAtOnce = 32;

export type VerifyMessage =
  | { readonly kind: "progress"; readonly blocks: number }
  | { readonly kind: "failed"; readonly position: number; readonly reason: string }
  | { readonly kind: "done" };

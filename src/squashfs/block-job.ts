// What the pool and its threads tell each other: small messages about slots of shared memory.

import type { CompressorName } from "./compression.ts";

/** What a thread is started with. */
export interface WorkerSetup {
  readonly memory: SharedArrayBuffer;
  readonly slotBytes: number;
  readonly compressor: CompressorName;
  readonly level: number;
}

/** A slot is two areas of `slotBytes`: what goes in, and behind it what comes out. */
export interface BlockJob {
  readonly slot: number;
  readonly lengthBytes: number;
  /** Whether a hash of what goes in is wanted. */
  readonly hash: boolean;
}

export interface BlockResult {
  readonly slot: number;
  /** Bytes in the second area; 0 when what went in doesn't get smaller. */
  readonly compressedBytes: number;
  /** SHA-256 as a byte string, where it was asked for. */
  readonly hash: string | undefined;
}

import type { BlockCompressor } from "./compressor.ts";
import { metadataBlockBytes, storedMetadataBit } from "./format.ts";

/** Where in a table something begins. */
export interface MetadataPosition {
  /** Position of the metadata block within its table, as it is stored. */
  readonly block: number;
  /** Within the block when it is not compressed. */
  readonly offset: number;
}

/**
 * A table as it grows: a stream of bytes that is cut into blocks of 8192, each compressed as soon as it is full, since
 * what comes later refers to where blocks ended up. Tables stay in memory: some ten bytes for each file.
 */
export class MetadataWriter {
  readonly #compressor: BlockCompressor;
  readonly #block = Buffer.alloc(metadataBlockBytes);
  readonly #compressed = Buffer.alloc(metadataBlockBytes);
  readonly #chunks: Uint8Array[] = [];
  /** Where each finished block begins, within the table. */
  readonly blockPositions: number[] = [];
  #filled = 0;
  #sizeBytes = 0;

  constructor(compressor: BlockCompressor) {
    this.#compressor = compressor;
  }

  /** Where the next byte goes. */
  get position(): MetadataPosition {
    return { block: this.#sizeBytes, offset: this.#filled };
  }

  append(bytes: Uint8Array): void {
    let used = 0;
    while (used < bytes.length) {
      const piece = bytes.subarray(used, used + metadataBlockBytes - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      used += piece.length;
      // A full block is closed at once: a position never lies behind the end of a block.
      if (this.#filled === metadataBlockBytes) this.#close();
    }
  }

  /** Ends the table. It is what the chunks add up to. */
  finish(): { readonly chunks: readonly Uint8Array[]; readonly sizeBytes: number } {
    if (this.#filled > 0) this.#close();
    return { chunks: this.#chunks, sizeBytes: this.#sizeBytes };
  }

  #close(): void {
    const input = this.#block.subarray(0, this.#filled);
    const length = this.#compressor.compress(input, this.#compressed);
    const payload = length === 0 ? input : this.#compressed.subarray(0, length);
    const stored = Buffer.allocUnsafe(2 + payload.length);
    stored.writeUInt16LE(length === 0 ? storedMetadataBit + payload.length : payload.length, 0);
    stored.set(payload, 2);
    this.blockPositions.push(this.#sizeBytes);
    this.#chunks.push(stored);
    this.#sizeBytes += stored.length;
    this.#filled = 0;
  }
}

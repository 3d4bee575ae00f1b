import type { DataRange } from "../model/content.ts";

/** A piece of a sparse file: stored bytes, or the length of a hole. */
export type SparsePiece =
  | { readonly bytes: Uint8Array; readonly zeros?: undefined }
  | { readonly zeros: number; readonly bytes?: undefined };

/** Turns the stored bytes of a sparse file, as they come, into its pieces in order. */
export class SparseCursor {
  readonly #ranges: readonly DataRange[];
  readonly #sizeBytes: number;
  #range = 0;
  #doneInRange = 0;
  #end = 0;

  /** @param ranges ascending, not overlapping */
  constructor(ranges: readonly DataRange[], sizeBytes: number) {
    this.#ranges = ranges.filter((range) => range.lengthBytes > 0);
    this.#sizeBytes = sizeBytes;
  }

  /** The pieces that the next stored bytes make. Bytes beyond the last range are dropped. */
  *push(bytes: Uint8Array): Generator<SparsePiece> {
    let used = 0;
    while (used < bytes.length) {
      const range = this.#ranges[this.#range];
      if (range === undefined) return;
      if (range.offset > this.#end) {
        const zeros = range.offset - this.#end;
        this.#end = range.offset;
        yield { zeros };
      }
      const left = range.lengthBytes - this.#doneInRange;
      const piece = bytes.subarray(used, used + left);
      used += piece.length;
      this.#doneInRange += piece.length;
      this.#end = range.offset + this.#doneInRange;
      if (this.#doneInRange === range.lengthBytes) {
        this.#range += 1;
        this.#doneInRange = 0;
      }
      yield { bytes: piece };
    }
  }

  /** The hole at the end, if there is one. */
  *finish(): Generator<SparsePiece> {
    if (this.#end < this.#sizeBytes) yield { zeros: this.#sizeBytes - this.#end };
  }
}

import { FormatError } from "../model/error.ts";

const baseBytes = 256 * 1024 * 1024;
const mostBytes = 4 * 1024 * 1024 * 1024;
const bytesForEach = 256;

/**
 * How much memory an image may take before it is read: plenty for any image of its size. One that was made to fill the
 * memory, with a few bytes that unpack to gigabytes or tables that refer to one block over and over, ends here.
 */
export class MemoryBudget {
  readonly #name: string;
  #left: number;

  constructor(imageBytes: number, name: string) {
    this.#name = name;
    this.#left = Math.min(mostBytes, baseBytes + bytesForEach * imageBytes);
  }

  /** @throws {FormatError} `squashfs/damaged` */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) {
      throw new FormatError(
        "squashfs/damaged",
        `${this.#name} is damaged: it would need far more memory than an image of its size`,
        { hint: "don't use this image; it may have been made to do harm" },
      );
    }
  }
}

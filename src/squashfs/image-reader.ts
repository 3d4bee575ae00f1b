import { readSync } from "node:fs";
import { FormatError, HostError } from "../model/error.ts";

/** Read at once when things that lie one behind the other are read in order. */
const windowBytes = 256 * 1024;

/** The bytes of an image, which is a stretch of a file. Says in its errors which image it is. */
export class ImageReader {
  readonly name: string;
  readonly sizeBytes: number;
  readonly #descriptor: number;
  readonly #offset: number;
  readonly #window = Buffer.allocUnsafeSlow(windowBytes);
  #windowStart = 0;
  #windowLength = 0;

  constructor(descriptor: number, offset: number, sizeBytes: number, name: string) {
    this.#descriptor = descriptor;
    this.#offset = offset;
    this.sizeBytes = sizeBytes;
    this.name = name;
  }

  /**
   * Some bytes, valid until the next read.
   * @throws {FormatError} `squashfs/damaged` outside of the image
   * @throws {HostError} `host/file-unreadable`
   */
  read(position: number, length: number): Buffer {
    if (position < 0 || length < 0 || position + length > this.sizeBytes) {
      throw this.damaged(`${length} bytes at ${position} are outside of it`);
    }
    if (length > windowBytes) {
      const bytes = Buffer.allocUnsafeSlow(length);
      if (this.#fill(bytes, position) < length)
        throw this.damaged(`it ends before ${position + length}`);
      return bytes;
    }
    if (
      position < this.#windowStart ||
      position + length > this.#windowStart + this.#windowLength
    ) {
      const wanted = Math.min(windowBytes, this.sizeBytes - position);
      this.#windowLength = 0;
      this.#windowStart = position;
      this.#windowLength = this.#fill(this.#window.subarray(0, wanted), position);
      if (this.#windowLength < length) throw this.damaged(`it ends before ${position + length}`);
    }
    const start = position - this.#windowStart;
    return this.#window.subarray(start, start + length);
  }

  #fill(into: Buffer, position: number): number {
    let done = 0;
    try {
      while (done < into.length) {
        const got = readSync(
          this.#descriptor,
          into,
          done,
          into.length - done,
          this.#offset + position + done,
        );
        if (got === 0) break;
        done += got;
      }
    } catch (error) {
      throw new HostError(
        "host/file-unreadable",
        `can't read ${this.name}: ${error instanceof Error ? error.message : String(error)}`,
        { hint: "check the disk that the image is on", cause: error },
      );
    }
    return done;
  }

  damaged(what: string, cause?: unknown): FormatError {
    return new FormatError("squashfs/damaged", `${this.name} is damaged: ${what}`, {
      hint: "the file may have been cut while it was copied; fetch it again",
      cause,
    });
  }
}

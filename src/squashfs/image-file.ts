import { writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** How much is written before the disk is asked to take it. */
const flushBytes = 32 * 1024 * 1024;

/**
 * Writing to a stretch of a file, synchronously: it goes to the page cache, and blocks are big. The disk takes it over
 * meanwhile, so that little is left to wait for at the end.
 */
export class ImageFile {
  readonly #file: FileHandle;
  readonly #offset: number;
  #unflushedBytes = 0;
  #flush: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#offset = offset;
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      const left = bytes.length - done;
      done += writeSync(this.#file.fd, bytes, done, left, this.#offset + position + done);
    }
    this.#unflushedBytes += bytes.length;
    if (this.#unflushedBytes >= flushBytes && this.#flush === undefined) {
      this.#flush = this.#sync();
    }
  }

  writeAll(chunks: readonly Uint8Array[], position: number): void {
    let at = position;
    for (const chunk of chunks) {
      this.write(chunk, at);
      at += chunk.length;
    }
  }

  /** Throws what went wrong with the disk: it is told only once, so whoever syncs the file later may not hear of it. */
  async finish(): Promise<void> {
    await this.#flush;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #sync(): Promise<void> {
    this.#unflushedBytes = 0;
    try {
      await this.#file.datasync();
      this.#flush = undefined;
    } catch (error) {
      this.#failure = { error };
    }
  }
}

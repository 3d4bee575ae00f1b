import type { Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import type { IncomingBlob } from "../cache/blob-cache.ts";
import { digestMismatch, digestParts, hasherOf, type Digest } from "../cache/digest.ts";
import { FormatError, SourceError } from "../model/error.ts";

/** A blob on this machine: a whole file, or a stretch of an archive. */
export interface BlobPlace {
  readonly file: string;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Where the file is not there yet: the blob can be read while it comes, and is checked by whoever takes it in. */
  readonly incoming?: IncomingBlob | undefined;
  /** Keeps the cache from clearing it away; whoever is done with the place disposes it. */
  readonly lease?: AsyncDisposable | undefined;
}

const readBytes = 1024 * 1024;

/**
 * A blob held open. The file stays the same one even if its name goes to another, when a cache is cleaned say; that
 * nobody writes to it is checked by length and time.
 */
export class BlobReader {
  /** For messages. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly #place: BlobPlace;
  readonly #handle: FileHandle;
  #version = "";

  private constructor(name: string, place: BlobPlace, handle: FileHandle) {
    this.name = name;
    this.sizeBytes = place.sizeBytes;
    this.#place = place;
    this.#handle = handle;
  }

  /**
   * The reader's end is the lease's.
   * @throws {SourceError} `source/unreadable`
   * @throws {FormatError} `source/layer-damaged` when the file ends before the blob
   */
  static async open(place: BlobPlace, name: string): Promise<BlobReader> {
    if (place.incoming !== undefined) return new BlobReader(name, place, place.incoming.reader);
    let handle: FileHandle;
    try {
      handle = await open(place.file, "r");
    } catch (cause) {
      await place.lease?.[Symbol.asyncDispose]();
      throw unreadable(name, place.file, cause);
    }
    try {
      const { size, version } = await versionOf(handle);
      if (place.offset + place.sizeBytes > size) {
        throw new FormatError(
          "source/layer-damaged",
          `${name} ends after the end of ${place.file}`,
          {
            hint: "the file was cut short: get it again",
          },
        );
      }
      const reader = new BlobReader(name, place, handle);
      reader.#version = version;
      return reader;
    } catch (error) {
      await handle.close();
      await place.lease?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The bytes from an offset in the blob on, `lengthBytes` of them, in pieces that stay valid. */
  async *read(
    offset = 0,
    lengthBytes = this.sizeBytes - offset,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let at = this.#place.offset + offset;
    const end = at + lengthBytes;
    while (at < end) {
      signal?.throwIfAborted();
      const there = (await this.#place.incoming?.growing.moreThan(at)) ?? end;
      const wanted = Math.min(readBytes, end - at, Math.max(0, there - at));
      const buffer = Buffer.allocUnsafeSlow(wanted);
      const { bytesRead } = await this.#ofFile(this.#handle.read(buffer, 0, wanted, at));
      if (bytesRead === 0) throw this.#changed();
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  /** Waits for a blob that is still coming. Throws what is wrong with it. */
  async arrived(): Promise<void> {
    if (this.#place.incoming === undefined) return;
    await this.#place.incoming.file;
    this.#version = (await this.#ofFile(versionOf(this.#handle))).version;
  }

  /**
   * @throws {FormatError} `source/file-changed` when the file was written to since it was opened
   * @throws {SourceError} `source/unreadable`
   */
  async checkUnchanged(): Promise<void> {
    const { version } = await this.#ofFile(versionOf(this.#handle));
    if (version !== this.#version) throw this.#changed();
  }

  async close(): Promise<void> {
    await this.#handle.close();
    await this.#place.lease?.[Symbol.asyncDispose]();
  }

  /** An open file doesn't outlast its name where another machine of a network file system has removed that: ESTALE. */
  async #ofFile<Result>(work: Promise<Result>): Promise<Result> {
    try {
      return await work;
    } catch (cause) {
      throw unreadable(this.name, this.#place.file, cause);
    }
  }

  #changed(): FormatError {
    return new FormatError("source/file-changed", `${this.#place.file} was changed while in use`, {
      hint: "build again when nothing writes to it",
    });
  }
}

function unreadable(name: string, file: string, cause: unknown): SourceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new SourceError("source/unreadable", `cannot read ${name} from ${file}: ${message}`, {
    cause,
    hint:
      code === "ESTALE"
        ? "another machine has removed it while it was in use: build again"
        : "check that the file is there and that you may read it",
  });
}

/** Reads a blob from its start to its end and finds its digest, whether or not all of it was wanted. */
export class HashingReader {
  readonly #blob: BlobReader;
  readonly #digest: Digest | undefined;
  readonly #hash: Hash | undefined;
  readonly #signal: AbortSignal | undefined;
  #position = 0;

  constructor(blob: BlobReader, digest: Digest | undefined, signal: AbortSignal | undefined) {
    this.#blob = blob;
    this.#digest = digest;
    this.#hash = digest === undefined ? undefined : hasherOf(digest);
    this.#signal = signal;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#position;
  }

  /** The rest of the blob, hashed as it passes. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#blob.read(this.#position, undefined, this.#signal)) {
      this.#hash?.update(chunk);
      this.#position += chunk.length;
      yield chunk;
    }
  }

  /** Reads what is left and checks the digest. @throws {FormatError} `source/digest-mismatch` */
  async finish(): Promise<void> {
    if (this.#digest === undefined || this.#hash === undefined) return;
    for await (const chunk of this.chunks()) void chunk;
    const found = this.#hash.digest("hex");
    const { algorithm, hex } = digestParts(this.#digest);
    if (found !== hex) throw digestMismatch(this.#blob.name, this.#digest, `${algorithm}:${found}`);
  }
}

async function versionOf(handle: FileHandle): Promise<{ size: number; version: string }> {
  const { size, mtimeNs, ino, dev } = await handle.stat({ bigint: true });
  return { size: Number(size), version: [size, mtimeNs, ino, dev].join(" ") };
}

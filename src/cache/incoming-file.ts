// Blobs on their way, below the cache folder:
//
//   blobs-v1/incoming/<hex>.<host>-<boot>-<pid>-<start>.<random>     bytes of the blob from its start on
//
// What a killed process leaves behind is gone on with by the next one that wants the blob: it takes the file for itself by
// renaming it, which one of several can, and hashes what is there. Whether that was right shows at the end, by the digest
// of the whole.
//
// Only a file that nobody writes to any more may be taken: its process is known to be gone, or, where that can't be
// known, has not written for ten minutes by the file server's clock; a connection that stalls is given up far earlier.

import { randomBytes, type Hash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { isGone, ownIdentity } from "../system/process-identity.ts";
import { cacheWriteError, keeping } from "./cache-write-error.ts";
import { digestMismatch, digestParts, hasherOf, type Digest } from "./digest.ts";
import type { GrowingFile } from "./growing-file.ts";
import { addToHash } from "./hash-file.ts";
import { formatOwner, parseOwner } from "../system/owner-name.ts";
import { serverTimeMs } from "./server-clock.ts";

/** A download that was written to more recently is under way. */
export const partIdleMs = 10 * 60_000;
const sweptAfterMs = 24 * 60 * 60_000;
/** Chunks are gathered to pieces of this size: network chunks are small, and each write is a system call. */
const writeBytes = 1024 * 1024;

export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Whose an unfinished file is; undefined for names of another form. */
export function parsePartName(name: string): ReturnType<typeof parseOwner> {
  return parseOwner(name.split(".")[1] ?? "");
}

/** Whether an unfinished file is nobody's any more. */
export function isLeftBehind(name: string, mtimeMs: number, serverNowMs: number): boolean {
  const owner = parsePartName(name);
  return (owner !== undefined && isGone(owner)) || serverNowMs - mtimeMs > partIdleMs;
}

/** One blob on its way. */
export class IncomingFile {
  readonly file: string;
  /** Bytes that an earlier download has left. */
  readonly keptBytes: number;
  readonly #digest: Digest;
  readonly #folder: string;
  readonly #handle: FileHandle;
  /** Of the bytes that are there. */
  readonly #hash: Hash;

  private constructor(
    digest: Digest,
    folder: string,
    opened: { readonly file: string; readonly handle: FileHandle },
    kept: { readonly bytes: number; readonly hash: Hash },
  ) {
    this.file = opened.file;
    this.keptBytes = kept.bytes;
    this.#digest = digest;
    this.#folder = folder;
    this.#handle = opened.handle;
    this.#hash = kept.hash;
  }

  /**
   * Starts a file in a folder; or goes on with one that somebody has left there, of fewer than `sizeBytes` bytes.
   * @param sizeBytes 0 starts anew in any case
   * @throws {HostError} `cache/write`
   */
  static async start(folder: string, digest: Digest, sizeBytes: number): Promise<IncomingFile> {
    const name = [
      digestParts(digest).hex,
      formatOwner(ownIdentity()),
      randomBytes(6).toString("hex"),
    ];
    const file = join(folder, name.join("."));
    const left = sizeBytes > 0 ? await takeLeft(folder, digest, file, sizeBytes) : undefined;
    if (left !== undefined) return new IncomingFile(digest, folder, { file, ...left }, left);
    const handle = await keeping(folder, open(file, "wx", 0o644));
    return new IncomingFile(digest, folder, { file, handle }, { bytes: 0, hash: hasherOf(digest) });
  }

  /** For somebody who reads the blob while it comes. @throws {HostError} `cache/write` */
  async openReader(): Promise<FileHandle> {
    try {
      return await open(this.file, "r");
    } catch (error) {
      await this.#handle.close();
      await this.remove().catch(() => undefined);
      throw cacheWriteError(this.#folder, error);
    }
  }

  /**
   * Writes the rest and checks the whole. The file is closed afterwards, and removed when it went wrong.
   * @param what names the blob in messages
   * @throws {FormatError} `source/digest-mismatch`
   * @throws {HostError} `cache/write`; and whatever the chunks throw
   */
  async fill(chunks: Chunks, what: string, growing: GrowingFile | undefined): Promise<void> {
    try {
      try {
        const found = await this.#copy(chunks, growing);
        const { algorithm, hex } = digestParts(this.#digest);
        if (found !== hex) throw digestMismatch(what, this.#digest, `${algorithm}:${found}`);
        const nowSeconds = Math.floor(Date.now() / 1000);
        await keeping(this.#folder, this.#handle.utimes(nowSeconds, nowSeconds));
      } catch (error) {
        await this.#handle.close().catch(() => undefined);
        throw error;
      }
      // Network file systems tell here that there was no room.
      await keeping(this.#folder, this.#handle.close());
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  async remove(): Promise<void> {
    await rm(this.file, { force: true });
  }

  /** Writes chunks, one write under way while the next piece is hashed. Gives the hash in hex. */
  async #copy(chunks: Chunks, growing: GrowingFile | undefined): Promise<string> {
    let gathered: Uint8Array[] = [];
    let gatheredBytes = 0;
    let offset = this.keptBytes;
    let writing: Promise<void> = Promise.resolve();
    if (offset > 0) growing?.grow(offset);
    const flush = async () => {
      const pieces = gathered;
      const at = offset;
      offset += gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
      await writing;
      const end = offset;
      const written = writeAll(this.#handle, pieces, at);
      writing = keeping(this.#folder, written).then(() => growing?.grow(end));
      // A failure is met at the next flush; until then nobody else listens to this promise.
      writing.catch(() => undefined);
    };
    for await (const chunk of chunks) {
      this.#hash.update(chunk);
      gathered.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes >= writeBytes) await flush();
    }
    await flush();
    await writing;
    return this.#hash.digest("hex");
  }
}

async function writeAll(handle: FileHandle, pieces: Uint8Array[], offset: number): Promise<void> {
  let at = offset;
  let left = pieces;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    let skip = bytesWritten;
    while (left[0] !== undefined && skip >= left[0].length) {
      skip -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] !== undefined && skip > 0) left = [left[0].subarray(skip), ...left.slice(1)];
  }
}

interface Taken {
  readonly handle: FileHandle;
  readonly bytes: number;
  /** Of these bytes. */
  readonly hash: Hash;
}

/** Takes the longest of the files that were left of a blob, and removes the others. */
async function takeLeft(
  folder: string,
  digest: Digest,
  file: string,
  sizeBytes: number,
): Promise<Taken | undefined> {
  const { hex } = digestParts(digest);
  const names = (await namesIn(folder)).filter((name) => name.startsWith(`${hex}.`));
  if (names.length === 0) return undefined;
  const nowMs = await serverTimeMs(folder);
  const left: { name: string; size: number }[] = [];
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found !== undefined && isLeftBehind(name, found.mtimeMs, nowMs)) {
      left.push({ name, size: found.size });
    }
  }
  let taken: Taken | undefined;
  for (const { name, size } of left.toSorted((a, b) => b.size - a.size)) {
    if (taken !== undefined || size === 0 || size >= sizeBytes) {
      await rm(join(folder, name), { force: true }).catch(() => undefined);
    } else taken = await take(join(folder, name), file, digest, sizeBytes);
  }
  return taken;
}

async function take(
  left: string,
  file: string,
  digest: Digest,
  sizeBytes: number,
): Promise<Taken | undefined> {
  try {
    await rename(left, file);
  } catch {
    // Another one was faster.
    return undefined;
  }
  const handle = await open(file, "r+").catch(() => undefined);
  const kept = handle === undefined ? undefined : await hashStart(handle, digest);
  if (handle !== undefined && kept !== undefined && kept.bytes < sizeBytes) {
    return { handle, ...kept };
  }
  await handle?.close();
  await rm(file, { force: true }).catch(() => undefined);
  return undefined;
}

/** Hashes what is in a file, or gives undefined where it can't be read. */
async function hashStart(
  handle: FileHandle,
  digest: Digest,
): Promise<{ bytes: number; hash: Hash } | undefined> {
  const hash = hasherOf(digest);
  try {
    return { bytes: await addToHash(hash, handle), hash };
  } catch {
    return undefined;
  }
}

/** Removes what builds left behind that were killed a day ago. Failing at it harms nobody. */
export async function sweepIncoming(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0) return;
  const nowMs = await serverTimeMs(folder);
  for (const name of names) {
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && nowMs - found.mtimeMs > sweptAfterMs) {
      await rm(file, { force: true }).catch(() => undefined);
    }
  }
}

/** Names that begin with a dot are of files that an NFS client keeps for whoever has them open, or of a moment. */
export async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith("."));
}

/** Makes the folder. @throws {HostError} `cache/write` */
export async function makeIncoming(folder: string): Promise<void> {
  await keeping(folder, mkdir(folder, { recursive: true, mode: 0o700 }));
}

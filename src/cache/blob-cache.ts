// Blobs kept between builds, each named by its digest. The layout, below the cache folder:
//
//   blobs-v1/sha256/<hex>        whole and checked blobs; never written to, only renamed into place or removed
//   blobs-v1/sha256/<hex>.claim  who downloads one (download-claim.ts); only saves work
//   blobs-v1/incoming/<random>   blobs on their way; a killed build leaves one behind, swept a day later
//
// There is no lock and no list: a name is there with the right bytes or it isn't, so any number of builds may share the
// folder, and one that is killed leaves nothing wrong behind. Whoever reads a blob checks it, and throws away what
// a disk or a person has damaged, or what was lost when the power failed: so nothing is waited for until it is on the
// disk, which takes longer than the download on some.
//
// A blob's modification time is a whole second, so that it stays the same when its access time is set, which tells when
// it was last used: only programs that can't set one without the other are about.

import { randomBytes } from "node:crypto";
import {
  constants,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  type FileHandle,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { HostError } from "../model/error.ts";
import { leaseBlob } from "./cache-lease.ts";
import { digestMismatch, digestParts, hasherOf, matchesDigest, type Digest } from "./digest.ts";
import { DownloadClaim, type ClaimTiming } from "./download-claim.ts";
import { GrowingFile } from "./growing-file.ts";

const staleAfterMs = 24 * 60 * 60 * 1000;
/** Chunks are gathered to pieces of this size: network chunks are small, and each write is a system call. */
const writeBytes = 1024 * 1024;

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** A blob on its way. */
export interface IncomingBlob {
  /** Reads the file; the receiver closes it. */
  readonly reader: FileHandle;
  readonly growing: GrowingFile;
  /** The blob's file once it is whole and right. */
  readonly file: Promise<string>;
}

export interface BlobCacheOptions {
  /** Use nothing that was there before this run: everything is fetched anew, and kept (`--no-cache`). */
  readonly isFresh?: boolean | undefined;
  readonly claims?: Partial<ClaimTiming> | undefined;
}

export class BlobCache {
  /** The folder of all that is kept. */
  readonly cacheFolder: string;
  readonly folder: string;
  readonly #options: BlobCacheOptions;
  /** What this run has taken in. */
  readonly #written = new Set<Digest>();
  #swept: Promise<void> | undefined;

  /** @param cacheFolder is made when the first blob comes */
  constructor(cacheFolder: string, options: BlobCacheOptions = {}) {
    this.cacheFolder = cacheFolder;
    this.folder = join(cacheFolder, "blobs-v1");
    this.#options = options;
  }

  /** Whether this run has added anything. */
  get hasGrown(): boolean {
    return this.#written.size > 0;
  }

  /** Where the blob is, if it is. */
  fileOf(digest: Digest): string {
    const { algorithm, hex } = digestParts(digest);
    return join(this.folder, algorithm, hex);
  }

  /**
   * The file of a blob that is here with the right length. Its bytes are not read: whoever does must check them, and
   * `discard` the blob if they are wrong.
   */
  async find(digest: Digest, sizeBytes: number): Promise<string | undefined> {
    const file = this.fileOf(digest);
    if (this.#isPassedOver(digest)) return undefined;
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) return undefined;
    if (found.isFile() && found.size === sizeBytes) {
      await noteUse(file, found.mtimeMs);
      return file;
    }
    await this.discard(digest);
    return undefined;
  }

  /** The bytes of a small blob that is here, checked; a damaged one is thrown away and as good as absent. */
  async read(digest: Digest, maxBytes: number): Promise<Buffer | undefined> {
    const file = this.fileOf(digest);
    if (this.#isPassedOver(digest)) return undefined;
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || !found.isFile() || found.size > maxBytes) return undefined;
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes === undefined) return undefined;
    if (matchesDigest(bytes, digest)) {
      await noteUse(file, found.mtimeMs);
      return bytes;
    }
    await this.discard(digest);
    return undefined;
  }

  /** Whether the bytes of a blob are here and right, all of them read. */
  async isWhole(digest: Digest): Promise<boolean> {
    return (await hashFile(this.fileOf(digest), digest)) === digestParts(digest).hex;
  }

  /**
   * Waits for the right to download a blob, which one build at a time has; gives undefined when another one has brought it
   * meanwhile. The claim must be released, whatever comes of the download.
   * @param wait.onWait told once, when another build is at it
   * @throws the signal's reason
   */
  async claim(
    digest: Digest,
    wait: { readonly signal?: AbortSignal | undefined; readonly onWait?: () => void } = {},
  ): Promise<DownloadClaim | undefined> {
    const file = this.fileOf(digest);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => undefined);
    return DownloadClaim.take(`${file}.claim`, {
      ...wait,
      timing: this.#options.claims,
      isThere: async () => !this.#isPassedOver(digest) && (await exists(file)),
    });
  }

  /** Says that a blob is in use until the lease is disposed: nothing clears it away. Never fails. */
  lease(digest: Digest): Promise<AsyncDisposable> {
    return leaseBlob(this.cacheFolder, digest);
  }

  /** With `isFresh`, whatever this run has not brought itself. */
  #isPassedOver(digest: Digest): boolean {
    return this.#options.isFresh === true && !this.#written.has(digest);
  }

  /** Forgets a blob. */
  async discard(digest: Digest): Promise<void> {
    await rm(this.fileOf(digest), { force: true, recursive: true });
  }

  /**
   * Takes in a blob and gives its file. The blob appears under its name when every byte is there and checked, and not
   * before.
   * @throws {FormatError} `source/digest-mismatch`
   * @throws {HostError} `cache/write`; and whatever the chunks throw
   */
  async write(digest: Digest, what: string, chunks: Chunks): Promise<string> {
    const { temporary, handle } = await this.#startIncoming(digest);
    return this.#finish(digest, what, chunks, temporary, handle);
  }

  /**
   * As `write`, for somebody who reads the blob while it comes: what is read then has not been checked before `file` is
   * there.
   * @throws {HostError} `cache/write`
   */
  async receive(digest: Digest, what: string, chunks: Chunks): Promise<IncomingBlob> {
    const { temporary, handle } = await this.#startIncoming(digest);
    let reader: FileHandle;
    try {
      reader = await open(temporary, "r");
    } catch (error) {
      await handle.close();
      throw writeError(this.folder, error);
    }
    const growing = new GrowingFile();
    const file = this.#finish(digest, what, chunks, temporary, handle, growing);
    file.then(
      () => growing.end(),
      (error: unknown) => growing.fail(error),
    );
    return { reader, growing, file };
  }

  async #startIncoming(digest: Digest): Promise<{ temporary: string; handle: FileHandle }> {
    const incoming = join(this.folder, "incoming");
    const temporary = join(incoming, randomBytes(12).toString("hex"));
    try {
      await mkdir(dirname(this.fileOf(digest)), { recursive: true, mode: 0o700 });
      await mkdir(incoming, { recursive: true, mode: 0o700 });
      this.#swept ??= sweep(incoming);
      await this.#swept;
      return { temporary, handle: await open(temporary, "wx", 0o644) };
    } catch (error) {
      throw writeError(this.folder, error);
    }
  }

  async #finish(
    digest: Digest,
    what: string,
    chunks: Chunks,
    temporary: string,
    handle: FileHandle,
    growing?: GrowingFile,
  ): Promise<string> {
    const file = this.fileOf(digest);
    try {
      try {
        const found = await copy(chunks, handle, hasherOf(digest), this.folder, growing);
        if (found !== digestParts(digest).hex) {
          throw digestMismatch(what, digest, `${digestParts(digest).algorithm}:${found}`);
        }
        const nowSeconds = Math.floor(Date.now() / 1000);
        await onDisk(this.folder, handle.utimes(nowSeconds, nowSeconds));
      } catch (error) {
        await handle.close().catch(() => undefined);
        throw error;
      }
      // Network file systems tell here that there was no room.
      await onDisk(this.folder, handle.close());
      await onDisk(this.folder, rename(temporary, file));
      this.#written.add(digest);
      return file;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

const exists = (file: string) =>
  stat(file).then(
    () => true,
    () => false,
  );

/** Sets the access time to now. A cache of somebody else has to do without. */
async function noteUse(file: string, mtimeMs: number): Promise<void> {
  // Another time would make its readers think that somebody wrote to it.
  if (mtimeMs % 1000 === 0)
    await utimes(file, Date.now() / 1000, mtimeMs / 1000).catch(() => undefined);
}

/** The hash of a blob's file in hex, or undefined where it can't be read. That doesn't count as a use of it. */
export async function hashFile(file: string, digest: Digest): Promise<string | undefined> {
  const hash = hasherOf(digest);
  const { O_RDONLY, O_NOATIME } = constants;
  try {
    await using handle = await open(file, O_RDONLY | O_NOATIME).catch(() => open(file, "r"));
    const buffer = Buffer.allocUnsafe(writeBytes);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, writeBytes);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch {
    return undefined;
  }
}

/** Writes chunks to a file, one write under way while the next piece is hashed. Gives the hash in hex. */
async function copy(
  chunks: Chunks,
  handle: FileHandle,
  hash: ReturnType<typeof hasherOf>,
  folder: string,
  growing: GrowingFile | undefined,
): Promise<string> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let offset = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async () => {
    const pieces = gathered;
    const at = offset;
    offset += gatheredBytes;
    gathered = [];
    gatheredBytes = 0;
    await writing;
    const end = offset;
    writing = onDisk(folder, writeAll(handle, pieces, at)).then(() => growing?.grow(end));
    // A failure is met at the next flush; until then nobody else listens to this promise.
    writing.catch(() => undefined);
  };
  for await (const chunk of chunks) {
    hash.update(chunk);
    gathered.push(chunk);
    gatheredBytes += chunk.length;
    if (gatheredBytes >= writeBytes) await flush();
  }
  await flush();
  await writing;
  return hash.digest("hex");
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

/** Removes what builds left behind that were killed on the way. Failing at it harms nobody. */
async function sweep(incoming: string): Promise<void> {
  for (const name of await readdir(incoming).catch(() => [])) {
    const file = join(incoming, name);
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > staleAfterMs) {
      await rm(file, { force: true }).catch(() => undefined);
    }
  }
}

async function onDisk<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw writeError(folder, error);
  }
}

function writeError(folder: string, cause: unknown): HostError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new HostError("cache/write", `cannot keep a download in ${folder}: ${message}`, {
    cause,
    hint:
      code === "ENOSPC" || code === "EDQUOT"
        ? "the disk or quota is full: make room, or name another cache folder with TSBUILD_CACHEDIR"
        : "name another cache folder with TSBUILD_CACHEDIR, or build with --disable-cache",
  });
}

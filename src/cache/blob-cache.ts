// Blobs kept between builds, each named by its digest. The layout, below the cache folder:
//
//   blobs-v1/sha256/<hex>        whole and checked blobs; never written to, only renamed into place or removed
//   blobs-v1/sha256/<hex>.claim  who downloads one (download-claim.ts); only saves work
//   blobs-v1/incoming/…          blobs on their way (incoming-file.ts); a killed build leaves one behind
//
// There is no lock and no list: a name is there with the right bytes or it isn't, so any number of builds may share the
// folder, and one that is killed leaves nothing wrong behind. Whoever reads a blob checks it, and throws away what
// a disk or a person has damaged, or what was lost when the power failed: so nothing is waited for until it is on the
// disk, which takes longer than the download on some.
//
// A blob's modification time is a whole second, so that it stays the same when its access time is set, which tells when
// it was last used: only programs that can't set one without the other are about.

import { mkdir, readFile, rename, rm, stat, utimes, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { leaseBlob } from "./cache-lease.ts";
import { keeping } from "./cache-write-error.ts";
import { digestParts, matchesDigest, type Digest } from "./digest.ts";
import { DownloadClaim, type ClaimTiming } from "./download-claim.ts";
import { GrowingFile } from "./growing-file.ts";
import { hashFile } from "./hash-file.ts";
import { IncomingFile, makeIncoming, sweepIncoming, type Chunks } from "./incoming-file.ts";

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
    return this.#finish(digest, what, chunks, await this.#startIncoming(digest, 0));
  }

  /**
   * As `write`, for somebody who reads the blob while it comes: what is read then has not been checked before `file` is
   * there. What a killed process has left of the blob is gone on with.
   * @param sizeBytes of the whole blob
   * @param chunksFrom gives the blob from an offset on
   * @throws {HostError} `cache/write`
   */
  async receive(
    digest: Digest,
    what: string,
    sizeBytes: number,
    chunksFrom: (offset: number) => Chunks,
  ): Promise<IncomingBlob> {
    const isFresh = this.#options.isFresh === true;
    const incoming = await this.#startIncoming(digest, isFresh ? 0 : sizeBytes);
    const reader = await incoming.openReader();
    const growing = new GrowingFile();
    const file = this.#finish(digest, what, chunksFrom(incoming.keptBytes), incoming, growing);
    file.then(
      () => growing.end(),
      (error: unknown) => growing.fail(error),
    );
    return { reader, growing, file };
  }

  async #startIncoming(digest: Digest, sizeBytes: number): Promise<IncomingFile> {
    const folder = join(this.folder, "incoming");
    const parent = dirname(this.fileOf(digest));
    await keeping(this.folder, mkdir(parent, { recursive: true, mode: 0o700 }));
    await makeIncoming(folder);
    const incoming = await IncomingFile.start(folder, digest, sizeBytes);
    this.#swept ??= sweepIncoming(folder);
    await this.#swept;
    return incoming;
  }

  async #finish(
    digest: Digest,
    what: string,
    chunks: Chunks,
    incoming: IncomingFile,
    growing?: GrowingFile,
  ): Promise<string> {
    const file = this.fileOf(digest);
    await incoming.fill(chunks, what, growing);
    try {
      await keeping(this.folder, rename(incoming.file, file));
    } catch (error) {
      await incoming.remove();
      throw error;
    }
    this.#written.add(digest);
    return file;
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

import type { BlobCache } from "../cache/blob-cache.ts";
import { digestMismatch, sha256Of, shortDigest, type Digest } from "../cache/digest.ts";
import type { TagMemory } from "../cache/tag-memory.ts";
import type { Listener } from "../model/event.ts";
import type { BlobPlace } from "./blob-reader.ts";
import type { ImageStore } from "./image.ts";
import { maxDocumentBytes, type Descriptor } from "./manifest.ts";
import { ByteProgress } from "./progress.ts";
import { formatReference, type Reference } from "./reference.ts";
import type { RepositoryReader } from "./repository.ts";

export interface RegistryStoreOptions {
  readonly cache: BlobCache;
  /** Where it is kept what tags stand for. */
  readonly tags?: TagMemory | undefined;
  readonly listener: Listener;
  /** Ends waiting for other builds. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An image in a registry. Whatever is fetched is kept in the cache, and what is there is not fetched again. Builds that
 * want the same at the same moment fetch it once: one downloads, the others wait for it.
 */
export class RegistryStore implements ImageStore {
  readonly name: string;
  readonly #reference: Reference;
  readonly #repository: RepositoryReader;
  readonly #options: RegistryStoreOptions;

  constructor(reference: Reference, repository: RepositoryReader, options: RegistryStoreOptions) {
    this.name = formatReference(reference);
    this.#reference = reference;
    this.#repository = repository;
    this.#options = options;
  }

  /**
   * The manifest or index that the reference stands for. With a digest that is in the cache the registry is not asked; a
   * tag is asked for its digest first, which registries with limits don't count.
   * @throws as `Repository.manifest` does
   */
  async start(): Promise<{
    bytes: Buffer;
    mediaType: string | undefined;
    digest: Digest;
  }> {
    const { tag = "latest", digest } = this.#reference;
    const known = digest ?? (await this.#repository.digestOf(tag));
    // By its digest, so that a tag that moves in between doesn't mix two images.
    if (known !== undefined) {
      const { bytes, mediaType } = await this.#document(known, async () => {
        const fetched = await this.#repository.manifest(known);
        return { bytes: fetched.bytes, mediaType: fetched.mediaType };
      });
      if (digest === undefined) await this.#remember(tag, known);
      return { bytes, mediaType, digest: known };
    }
    const fetched = await this.#repository.manifest(tag);
    await this.#keep(fetched.digest, fetched.bytes);
    await this.#remember(tag, fetched.digest);
    return fetched;
  }

  async document(descriptor: Descriptor, what: string): Promise<Buffer> {
    const { digest } = descriptor;
    const isManifest = /manifest|index/.test(descriptor.mediaType);
    const { bytes } = await this.#document(digest, async () => ({
      bytes: isManifest
        ? (await this.#repository.manifest(digest)).bytes
        : await this.#repository.document(descriptor, what),
    }));
    return bytes;
  }

  async layer(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace> {
    const { digest, sizeBytes } = descriptor;
    const { cache } = this.#options;
    // Before the blob is looked for: then nothing clears it away once it is found.
    const lease = await cache.lease(digest);
    try {
      for (;;) {
        const kept = await cache.find(digest, sizeBytes);
        if (kept !== undefined) return { file: kept, offset: 0, sizeBytes, lease };
        const claim = await this.#claim(digest, signal);
        if (claim !== undefined) return await this.#download(descriptor, signal, claim, lease);
      }
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  async layerAgain(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace> {
    const { digest } = descriptor;
    const { cache } = this.#options;
    this.#repository.distrust?.();
    // Another build may have found the same and mended it.
    if (!(await cache.isWhole(digest))) await cache.discard(digest);
    return this.layer(descriptor, signal);
  }

  /** A small blob from the cache; or fetched by this build or another, and kept. */
  async #document<
    Fetched extends { readonly bytes: Buffer; readonly mediaType?: string | undefined },
  >(
    digest: Digest,
    fetch: () => Promise<Fetched>,
  ): Promise<{ bytes: Buffer; mediaType: string | undefined }> {
    const { cache } = this.#options;
    for (;;) {
      const kept = await cache.read(digest, maxDocumentBytes);
      if (kept !== undefined) return { bytes: kept, mediaType: undefined };
      const claim = await this.#claim(digest);
      // What was brought meanwhile may be larger than a document; that is told when it is fetched.
      if (claim === undefined && (await cache.read(digest, maxDocumentBytes)) !== undefined)
        continue;
      try {
        const { bytes, mediaType } = await fetch();
        await this.#keep(digest, bytes);
        return { bytes, mediaType };
      } finally {
        await claim?.release();
      }
    }
  }

  #claim(digest: Digest, signal = this.#options.signal) {
    const { cache, listener } = this.#options;
    return cache.claim(digest, {
      signal,
      onWait: () =>
        listener({
          type: "note",
          message: `another build downloads ${shortDigest(digest)}; waiting for it`,
        }),
    });
  }

  async #download(
    descriptor: Descriptor,
    signal: AbortSignal,
    claim: { release(): Promise<void> },
    lease: AsyncDisposable,
  ): Promise<BlobPlace> {
    const { digest, sizeBytes } = descriptor;
    const { cache, listener } = this.#options;
    const what = `layer ${digest} of ${this.name}`;
    const progress = new ByteProgress(listener, `download layer ${shortDigest(digest)}`, sizeBytes);
    try {
      const incoming = await cache.receive(digest, what, sizeBytes, (from) => {
        if (from > 0) {
          const message = `going on with ${shortDigest(digest)} after ${from} bytes that an earlier download has left`;
          listener({ type: "note", message });
        }
        const blob = this.#repository.blob(descriptor, what, signal, from);
        return counted(blob, progress, from);
      });
      // Given back before anybody hears of the end, so that a second try doesn't wait for the first.
      const released = async () => {
        try {
          return await incoming.file;
        } finally {
          await claim.release();
        }
      };
      const file = released();
      file.catch(() => undefined);
      return {
        file: cache.fileOf(digest),
        offset: 0,
        sizeBytes,
        incoming: { ...incoming, file },
        lease,
      };
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  async #keep(digest: Digest, bytes: Buffer): Promise<void> {
    if (!digest.startsWith("sha256:")) return;
    if (sha256Of(bytes) !== digest) throw digestMismatch(this.name, digest, sha256Of(bytes));
    await this.#options.cache.write(digest, this.name, [bytes]);
  }

  async #remember(tag: string, digest: Digest): Promise<void> {
    const { registry, repository } = this.#reference;
    await this.#options.tags?.remember(formatReference({ registry, repository, tag }), digest);
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  progress: ByteProgress,
  from: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = from;
  for await (const chunk of chunks) {
    done += chunk.length;
    progress.at(done);
    yield chunk;
  }
}

import type { BlobCache } from "../cache/blob-cache.ts";
import { digestMismatch, sha256Of, shortDigest, type Digest } from "../cache/digest.ts";
import type { Listener } from "../model/event.ts";
import type { BlobPlace } from "./blob-reader.ts";
import type { ImageStore } from "./image.ts";
import { maxDocumentBytes, type Descriptor } from "./manifest.ts";
import { ByteProgress } from "./progress.ts";
import type { Reference } from "./reference.ts";
import type { RepositoryReader } from "./repository.ts";

/** An image in a registry. Whatever is fetched is kept in the cache, and what is there is not fetched again. */
export class RegistryStore implements ImageStore {
  readonly name: string;
  readonly #repository: RepositoryReader;
  readonly #cache: BlobCache;
  readonly #listener: Listener;

  constructor(name: string, repository: RepositoryReader, cache: BlobCache, listener: Listener) {
    this.name = name;
    this.#repository = repository;
    this.#cache = cache;
    this.#listener = listener;
  }

  /**
   * The manifest or index that a reference stands for. With a digest that is in the cache the registry is not asked; a
   * tag is asked for its digest first, which registries with limits don't count.
   * @throws as `Repository.manifest` does
   */
  async start({ tag = "latest", digest }: Pick<Reference, "tag" | "digest">): Promise<{
    bytes: Buffer;
    mediaType: string | undefined;
    digest: Digest;
  }> {
    const known = digest ?? (await this.#repository.digestOf(tag));
    if (known !== undefined) {
      const bytes = await this.#cache.read(known, maxDocumentBytes);
      if (bytes !== undefined) return { bytes, mediaType: undefined, digest: known };
    }
    // By its digest, so that a tag that moves in between doesn't mix two images.
    const fetched = await this.#repository.manifest(known ?? tag);
    await this.#keep(fetched.digest, fetched.bytes);
    return fetched;
  }

  async document(descriptor: Descriptor, what: string): Promise<Buffer> {
    const { digest } = descriptor;
    const kept = await this.#cache.read(digest, maxDocumentBytes);
    if (kept !== undefined) return kept;
    const isManifest = /manifest|index/.test(descriptor.mediaType);
    const bytes = isManifest
      ? (await this.#repository.manifest(digest)).bytes
      : await this.#repository.document(descriptor, what);
    await this.#keep(digest, bytes);
    return bytes;
  }

  async layer(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace> {
    const { digest, sizeBytes } = descriptor;
    const kept = await this.#cache.find(digest, sizeBytes);
    if (kept !== undefined) return { file: kept, offset: 0, sizeBytes };
    return this.#download(descriptor, signal);
  }

  async layerAgain(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace> {
    await this.#cache.discard(descriptor.digest);
    this.#repository.distrust?.();
    return this.#download(descriptor, signal);
  }

  async #download(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace> {
    const { digest, sizeBytes } = descriptor;
    const what = `layer ${digest} of ${this.name}`;
    const progress = new ByteProgress(
      this.#listener,
      `download layer ${shortDigest(digest)}`,
      sizeBytes,
    );
    const blob = this.#repository.blob(descriptor, what, signal);
    const incoming = await this.#cache.receive(digest, what, counted(blob, progress));
    return { file: this.#cache.fileOf(digest), offset: 0, sizeBytes, incoming };
  }

  async #keep(digest: Digest, bytes: Buffer): Promise<void> {
    if (!digest.startsWith("sha256:")) return;
    if (sha256Of(bytes) !== digest) throw digestMismatch(this.name, digest, sha256Of(bytes));
    await this.#cache.write(digest, this.name, [bytes]);
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  progress: ByteProgress,
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  for await (const chunk of chunks) {
    done += chunk.length;
    progress.at(done);
    yield chunk;
  }
}

import type { Digest } from "../cache/digest.ts";
import type { TagMemory } from "../cache/tag-memory.ts";
import { SourceError } from "../model/error.ts";
import type { Descriptor } from "./manifest.ts";
import { formatReference, type Reference } from "./reference.ts";
import type { FetchedManifest, RepositoryReader } from "./repository.ts";

/** A repository that is not asked for anything: tags are what they were when it last was, and the cache has the rest. */
export class OfflineRepository implements RepositoryReader {
  readonly #reference: Reference;
  readonly #tags: TagMemory;

  constructor(reference: Reference, tags: TagMemory) {
    this.#reference = reference;
    this.#tags = tags;
  }

  /** @throws {SourceError} `source/offline` for a tag that was never looked up */
  async digestOf(tag: string): Promise<Digest> {
    const { registry, repository } = this.#reference;
    const found = await this.#tags.find(formatReference({ registry, repository, tag }));
    if (found === undefined) throw this.#missing("what it stands for is not known");
    return found;
  }

  async manifest(digest: string): Promise<FetchedManifest> {
    throw this.#missing(`its manifest ${digest} is not in the cache`);
  }

  async document(_descriptor: Descriptor, what: string): Promise<Buffer> {
    throw this.#missing(`${what} is not in the cache`);
  }

  // eslint-disable-next-line require-yield
  async *blob(_descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array, void, undefined> {
    throw this.#missing(`${what} is not in the cache`);
  }

  #missing(why: string): SourceError {
    const name = formatReference(this.#reference);
    return new SourceError("source/offline", `${name} can't be had without a network: ${why}`, {
      hint: `where there is a network, run tsbuild cache fetch docker://${name}; then it is there for --offline, if the cache is the same`,
    });
  }
}

import type { Digest } from "../cache/digest.ts";
import { TsbuildError } from "../model/error.ts";
import type { Descriptor } from "./manifest.ts";
import type { FetchedManifest, Repository, RepositoryReader } from "./repository.ts";

/**
 * One repository in several places, tried in order: mirrors, and the registry itself at last. A place that fails once
 * is not asked again; a blob that breaks off at one place is gone on with at the next.
 */
export class MirroredRepository implements RepositoryReader {
  readonly #places: readonly Repository[];
  readonly #onGivenUp: (message: string) => void;
  #current = 0;

  /** @param onGivenUp is told why a mirror is left */
  constructor(places: readonly Repository[], onGivenUp: (message: string) => void) {
    this.#places = places;
    this.#onGivenUp = onGivenUp;
  }

  manifest(tagOrDigest: string): Promise<FetchedManifest> {
    return this.#first((place) => place.manifest(tagOrDigest));
  }

  digestOf(tag: string): Promise<Digest | undefined> {
    return this.#first((place) => place.digestOf(tag));
  }

  document(descriptor: Descriptor, what: string): Promise<Buffer> {
    return this.#first((place) => place.document(descriptor, what));
  }

  async *blob(
    descriptor: Descriptor,
    what: string,
    signal?: AbortSignal,
    from = 0,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let done = from;
    for (;;) {
      const at = this.#current;
      try {
        for await (const chunk of this.#place(at).blob(descriptor, what, signal, done)) {
          done += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        this.#giveUp(at, error);
      }
    }
  }

  distrust(): void {
    if (this.#current < this.#places.length - 1) this.#current++;
  }

  async #first<Result>(ask: (place: Repository) => Promise<Result>): Promise<Result> {
    for (;;) {
      const at = this.#current;
      try {
        return await ask(this.#place(at));
      } catch (error) {
        this.#giveUp(at, error);
      }
    }
  }

  #place(at: number): Repository {
    return this.#places[at] as Repository;
  }

  /** Goes on to the next place; throws the error of the last. */
  #giveUp(at: number, error: unknown): void {
    if (!(error instanceof TsbuildError) || at >= this.#places.length - 1) throw error;
    // Of several requests that fail at once, the first decides.
    if (this.#current > at) return;
    this.#current = at + 1;
    this.#onGivenUp(`the mirror ${this.#place(at).name} is left out: ${error.message}`);
  }
}

import type { ContentSource, Extent, ExtentChunk } from "../model/content.ts";
import { FormatError } from "../model/error.ts";
import type { LayerEntry } from "../model/layer-entry.ts";
import { giveBack } from "../system/give-back.ts";
import { BlobReader, type BlobPlace } from "./blob-reader.ts";
import { decompress } from "./decompress.ts";
import type { LayerIndexCache } from "./layer-index-cache.ts";
import {
  checkBlob,
  indexLayer,
  layerError,
  type IndexOptions,
  type LayerDigests,
  type LayerIndex,
} from "./layer-index.ts";
import { passing } from "./passing.ts";

export interface LayerOptions extends IndexOptions {
  /** Where indexes are kept; without it every layer is decompressed to be indexed. */
  readonly indexes?: LayerIndexCache | undefined;
}

/**
 * A layer that has been read through and found right. Positions of its contents count bytes of the uncompressed
 * archive; each `read` decompresses the blob again from its start to the last byte that is wanted.
 */
export class Layer implements ContentSource {
  readonly name: string;
  readonly #blob: BlobReader;
  #index: LayerIndex;

  private constructor(name: string, blob: BlobReader, index: LayerIndex) {
    this.name = name;
    this.#blob = blob;
    this.#index = index;
  }

  /**
   * Opens and checks a layer; close it in the end.
   * @param name for messages: its digest
   * @throws as `BlobReader.open` and `indexLayer` do
   */
  static async open(
    name: string,
    place: BlobPlace,
    digests: LayerDigests,
    options: LayerOptions = {},
  ): Promise<Layer> {
    const blob = await BlobReader.open(place, `layer ${name}`);
    try {
      const { digest, diffId } = digests;
      // A blob that is still coming is checked by the one who writes it down.
      const toCheck = place.incoming === undefined ? digest : undefined;
      const indexes = digest === undefined || diffId === undefined ? undefined : options.indexes;
      const key = [digest ?? "", diffId ?? ""] as const;
      const kept = await indexes?.find(...key);
      if (kept !== undefined) await checkBlob(blob, toCheck, options);
      const index = kept ?? (await indexLayer(blob, { digest: toCheck, diffId }, options));
      await blob.arrived();
      if (kept === undefined) await indexes?.keep(...key, index);
      return new Layer(name, blob, index);
    } catch (error) {
      await blob.close();
      // What is wrong with the download is the news, and not what came of it.
      await place.incoming?.file;
      throw error;
    }
  }

  /** In the order of the archive. */
  get entries(): readonly LayerEntry[] {
    return this.#index.entries;
  }

  /** Lets go of the entries, which take as much memory as the tree that was made of them. */
  forgetEntries(): void {
    this.#index = { ...this.#index, entries: [] };
  }

  get uncompressedBytes(): number {
    return this.#index.uncompressedBytes;
  }

  async *read(
    wanted: readonly Extent[],
    signal?: AbortSignal,
  ): AsyncGenerator<ExtentChunk, void, undefined> {
    await this.#blob.checkUnchanged();
    if (this.#index.compression === "none") {
      for (const [index, { position, lengthBytes }] of wanted.entries()) {
        if (position + lengthBytes > this.#blob.sizeBytes) throw this.#endsEarly();
        for await (const bytes of this.#blob.read(position, lengthBytes, signal)) {
          yield { index, bytes };
        }
      }
    } else yield* this.#readCompressed(wanted, signal);
    await this.#blob.checkUnchanged();
  }

  async *#readCompressed(
    wanted: readonly Extent[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ExtentChunk, void, undefined> {
    let index = nextNotEmpty(wanted, 0);
    let extent = wanted[index];
    if (extent === undefined) return;
    let position = 0;
    const blob = this.#blob.read(0, undefined, signal);
    const chunks = passing(decompress(blob, this.#index.compression, giveBack));
    try {
      for await (const chunk of chunks) {
        const end = position + chunk.length;
        while (extent.position < end) {
          const from = Math.max(extent.position, position);
          const to = Math.min(extent.position + extent.lengthBytes, end);
          yield { index, bytes: chunk.subarray(from - position, to - position) };
          if (extent.position + extent.lengthBytes > end) break;
          index = nextNotEmpty(wanted, index + 1);
          extent = wanted[index];
          if (extent === undefined) return;
        }
        position = end;
      }
    } catch (error) {
      signal?.throwIfAborted();
      throw layerError(this.#blob.name, error);
    }
    throw this.#endsEarly();
  }

  /** Frees the file. Nothing can be read afterwards. */
  async close(): Promise<void> {
    await this.#blob.close();
  }

  #endsEarly(): FormatError {
    return new FormatError(
      "source/layer-damaged",
      `${this.#blob.name} ends in the middle of a file`,
      {
        hint: "the file was changed while in use, or its archive lies about sizes",
      },
    );
  }
}

function nextNotEmpty(wanted: readonly Extent[], from: number): number {
  let index = from;
  while (wanted[index]?.lengthBytes === 0) index++;
  return index;
}

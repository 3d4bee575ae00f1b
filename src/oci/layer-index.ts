// The first of two passes over a layer: what is in it. Nothing of its contents is kept, so an index is small, plain
// data that depends on the blob's digest alone.

import { digestParts, hasherOf, type Digest } from "../cache/digest.ts";
import { FormatError, TsbuildError } from "../model/error.ts";
import type { LayerEntry } from "../model/layer-entry.ts";
import { giveBack } from "../system/give-back.ts";
import { TarParser } from "../tar/tar-parser.ts";
import { HashingReader, type BlobReader } from "./blob-reader.ts";
import { decompress, detectCompression, signatureBytes, type Compression } from "./decompress.ts";
import { passing } from "./passing.ts";

export interface LayerIndex {
  readonly compression: Compression;
  readonly entries: readonly LayerEntry[];
  readonly uncompressedBytes: number;
}

export interface LayerDigests {
  /** Of the blob as it is. Archives of Docker don't know it. */
  readonly digest?: Digest | undefined;
  /** Of the tar archive in it. */
  readonly diffId?: Digest | undefined;
}

export interface IndexOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes of the blob have been read. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Reads a layer through: checks its digests and lists its entries.
 * @throws {FormatError} `source/digest-mismatch`, `source/diffid-mismatch`, `source/layer-damaged`, and what the tar
 *   parser finds; a wrong digest of the blob goes before everything that follows from it
 */
export async function indexLayer(
  blob: BlobReader,
  digests: LayerDigests,
  options: IndexOptions,
): Promise<LayerIndex> {
  const reader = new HashingReader(blob, digests.digest, options.signal);
  const entries: LayerEntry[] = [];
  const compression = await compressionOf(blob);
  const diffHash = digests.diffId === undefined ? undefined : hasherOf(digests.diffId);
  let uncompressedBytes = 0;
  try {
    const parser = new TarParser({ name: blob.name, onEntry: (entry) => entries.push(entry) });
    for await (const chunk of passing(decompress(reader.chunks(), compression, giveBack))) {
      diffHash?.update(chunk);
      parser.push(chunk);
      uncompressedBytes += chunk.length;
      options.onProgress?.(reader.position);
    }
    parser.end();
  } catch (error) {
    options.signal?.throwIfAborted();
    // If the blob is not the right one, that is the news, and not what came of it.
    await reader.finish();
    throw layerError(blob.name, error);
  }
  await reader.finish();
  options.onProgress?.(blob.sizeBytes);
  const found = diffHash?.digest("hex");
  if (digests.diffId !== undefined && found !== digestParts(digests.diffId).hex) {
    const { algorithm } = digestParts(digests.diffId);
    throw new FormatError(
      "source/diffid-mismatch",
      `${blob.name} holds an archive with the digest ${algorithm}:${found}, and the image's configuration says ${digests.diffId}`,
      { hint: "the image was put together wrongly or altered; tell whoever published it" },
    );
  }
  return { compression, entries, uncompressedBytes };
}

/**
 * Reads a blob only to check its digest, for which nothing need be decompressed.
 * @throws {FormatError} `source/digest-mismatch`
 */
export async function checkBlob(
  blob: BlobReader,
  digest: Digest | undefined,
  options: IndexOptions,
): Promise<void> {
  if (digest !== undefined) {
    const reader = new HashingReader(blob, digest, options.signal);
    for await (const chunk of reader.chunks()) {
      void chunk;
      options.onProgress?.(reader.position);
    }
    await reader.finish();
  }
  options.onProgress?.(blob.sizeBytes);
}

/** What a layer is compressed with. */
export async function compressionOf(blob: BlobReader): Promise<Compression> {
  const length = Math.min(signatureBytes, blob.sizeBytes);
  const start: Uint8Array[] = [];
  for await (const part of blob.read(0, length)) start.push(part);
  return detectCompression(Buffer.concat(start));
}

/** Decompressors throw plain errors; with the layer's name they become ours. */
export function layerError(name: string, error: unknown): unknown {
  if (error instanceof TsbuildError) return error;
  const { message, name: kind } = error as Error;
  if (kind === "AbortError") return error;
  return new FormatError("source/layer-damaged", `${name} can't be decompressed: ${message}`, {
    cause: error,
    hint: "the image was damaged before it was published, or its tool compresses in a way of its own",
  });
}

// From the manifest of an image, wherever it is kept, to the tree of files that its layers make.

import { availableParallelism } from "node:os";
import { shortDigest, type Digest } from "../cache/digest.ts";
import { FormatError, SourceError, TsbuildError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import type { Platform } from "../model/platform.ts";
import { applyLayer } from "../tree/apply-layer.ts";
import { FileTree } from "../tree/file-tree.ts";
import type { BlobPlace } from "./blob-reader.ts";
import { concurrently } from "./concurrently.ts";
import type { LayerIndexCache } from "./layer-index-cache.ts";
import { Layer } from "./layer.ts";
import {
  badDocument,
  parseConfig,
  parseManifest,
  type Descriptor,
  type ImageConfig,
  type ImageManifest,
} from "./manifest.ts";
import { isEncryptedLayer, isSifLayer, isTarLayer } from "./media-types.ts";
import { choosePlatform, formatPlatform, platformRank } from "./platform-choice.ts";
import { ByteProgress } from "./progress.ts";
import { Turnstile } from "./turnstile.ts";

/** Where the parts of an image are kept: a registry, a folder, an archive. */
export interface ImageStore {
  /** For messages. */
  readonly name: string;
  /** A manifest, index or configuration, checked against its digest. */
  document(descriptor: Descriptor, what: string): Promise<Buffer>;
  /** Where a layer can be read; its bytes are not checked yet. */
  layer(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace>;
  /** Gets a layer again that turned out damaged, where there is hope that it helps. */
  layerAgain?(descriptor: Descriptor, signal: AbortSignal): Promise<BlobPlace>;
}

export interface ResolvedImage {
  /** Of the manifest for the platform: what a reader would pin. */
  readonly digest: Digest;
  readonly manifest: ImageManifest;
  readonly config: ImageConfig;
}

/** A layer as its image tells of it, and how to get at it. */
export interface LayerSource {
  readonly digest?: Digest | undefined;
  readonly diffId?: Digest | undefined;
  /** As it is stored, where that is known before. */
  readonly sizeBytes?: number | undefined;
  readonly place: (signal: AbortSignal) => Promise<BlobPlace>;
  readonly placeAgain?: ((signal: AbortSignal) => Promise<BlobPlace>) | undefined;
}

export interface OpenImage {
  readonly tree: FileTree;
  /** The `config` object of the image's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Closes the layers' files; the tree's contents can't be read afterwards. */
  dispose(): Promise<void>;
}

export interface OpenImageOptions {
  readonly listener: Listener;
  readonly signal: AbortSignal;
  /** Where what is in layers is kept between builds. */
  readonly indexes?: LayerIndexCache | undefined;
}

/** How many layers are fetched and read at once. */
const layersAtOnce = 4;
/** How many that are on this machine are read at once: one more would only take time from the largest. */
const reading = new Turnstile(availableParallelism());
/** Indexes may hold indexes (nerdctl writes such); more than a few levels is no image. */
const maxIndexDepth = 5;

/** A manifest or index as it was fetched, checked. */
export interface StartDocument {
  readonly bytes: Uint8Array;
  readonly mediaType: string | undefined;
  readonly digest: Digest;
}

/**
 * Follows indexes to the manifest for a platform.
 * @param start the manifest or index to begin with
 * @throws {SourceError} `source/no-platform`
 * @throws {FormatError} `source/bad-manifest`, `source/digest-mismatch`
 */
export async function resolveManifest(
  store: ImageStore,
  start: StartDocument,
  platform: Platform,
): Promise<{ readonly digest: Digest; readonly manifest: ImageManifest }> {
  let { digest } = start;
  let document = parseManifest(start.bytes, start.mediaType, `the manifest of ${store.name}`);
  for (let depth = 0; document.kind === "index"; depth++) {
    if (depth >= maxIndexDepth) {
      throw badDocument(`the index of ${store.name}`, "is nested too deep");
    }
    const entry = choosePlatform(document.entries, platform, store.name);
    const what = `the manifest ${entry.digest} of ${store.name}`;
    document = parseManifest(await store.document(entry, what), entry.mediaType, what);
    ({ digest } = entry);
  }
  return { digest, manifest: document };
}

/**
 * The manifest of an image for a platform, and its configuration.
 * @throws as `resolveManifest`, and
 * @throws {SourceError} `source/no-layers`, `source/layer-type`, `source/layer-encrypted`
 * @throws {FormatError} `source/not-linux`
 */
export async function resolveImage(
  store: ImageStore,
  start: StartDocument,
  platform: Platform,
  listener: Listener,
): Promise<ResolvedImage> {
  const { digest, manifest } = await resolveManifest(store, start, platform);
  checkLayers(manifest, store.name);
  const what = `the configuration of ${store.name}`;
  const config = parseConfig(await store.document(manifest.config, what), what);
  if (config.diffIds.length !== manifest.layers.length) {
    throw badDocument(
      what,
      `lists ${config.diffIds.length} layers, and the manifest ${manifest.layers.length}`,
    );
  }
  warnOfPlatform(config, platform, store.name, listener);
  return { digest, manifest, config };
}

/** The layers of a resolved image, lowest first. */
export function layersOf(store: ImageStore, image: ResolvedImage): LayerSource[] {
  return image.manifest.layers.map((descriptor, index) => ({
    digest: descriptor.digest,
    diffId: image.config.diffIds[index],
    sizeBytes: descriptor.sizeBytes,
    place: (signal) => store.layer(descriptor, signal),
    placeAgain: store.layerAgain?.bind(store, descriptor),
  }));
}

/**
 * Fetches, checks and reads all layers, several at once, and lays them over each other.
 * @throws {FormatError} naming the layer that is wrong
 */
export async function openImage(
  layers: readonly LayerSource[],
  config: ImageConfig,
  options: OpenImageOptions,
): Promise<OpenImage> {
  // A layer may be listed twice: an empty one often is.
  const opened = new Map<string, Layer>();
  const unique = new Map(layers.map((layer) => [keyOf(layer), layer]));
  const dispose = async () => {
    await Promise.all([...opened.values()].map((layer) => layer.close()));
  };
  // When one layer can't be had there is no use in the others.
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  try {
    // The largest first: whatever is left at the end should be short.
    const largestFirst = [...unique].toSorted(
      ([, a], [, b]) => (b.sizeBytes ?? 0) - (a.sizeBytes ?? 0),
    );
    await concurrently(largestFirst, layersAtOnce, async ([key, layer]) => {
      try {
        opened.set(key, await openLayer(layer, { ...options, signal }));
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    });
    const tree = new FileTree();
    for (const source of layers) {
      const layer = opened.get(keyOf(source)) as Layer;
      applyLayer(tree, layer.entries, layer);
    }
    for (const layer of opened.values()) layer.forgetEntries();
    return { tree, config: config.config, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function openLayer(source: LayerSource, options: OpenImageOptions): Promise<Layer> {
  const { listener, signal, indexes } = options;
  signal.throwIfAborted();
  const { digest, diffId } = source;
  const name = digest ?? diffId ?? "without a digest";
  const open = async (place: BlobPlace) => {
    using _ = place.incoming === undefined ? await reading.enter() : undefined;
    const progress = new ByteProgress(
      listener,
      `read layer ${shortDigest(digest ?? diffId ?? ":")}`.trimEnd(),
      place.sizeBytes,
    );
    return await Layer.open(
      name,
      place,
      { digest, diffId },
      { signal, indexes, onProgress: (bytes) => progress.at(bytes) },
    );
  };
  const place = await source.place(signal);
  try {
    return await open(place);
  } catch (error) {
    // The disk, a proxy or a bad line may have damaged it, or somebody has cleared the cache at this moment; the same
    // twice is no accident.
    const isDamaged =
      error instanceof TsbuildError &&
      ["source/digest-mismatch", "source/unreadable"].includes(error.code);
    if (!isDamaged || source.placeAgain === undefined) throw error;
    return await open(await source.placeAgain(signal));
  }
}

function keyOf({ digest, diffId }: LayerSource): string {
  return `${digest ?? ""} ${diffId ?? ""}`;
}

function checkLayers(manifest: ImageManifest, name: string): void {
  const { layers } = manifest;
  if (layers.length === 0 || !layers.some(({ mediaType }) => isLayer(mediaType))) {
    const isSif = layers.some(({ mediaType }) => isSifLayer(mediaType));
    const held =
      layers.length === 0 ? "nothing" : [...new Set(layers.map((l) => l.mediaType))].join(", ");
    throw new SourceError("source/no-layers", `${name} has no layers of files; it holds ${held}`, {
      hint: isSif
        ? "it is a SIF image in a registry: use Bootstrap: oras"
        : "it is no container image; check the name",
    });
  }
  for (const { mediaType, digest } of layers) {
    if (isEncryptedLayer(mediaType)) {
      throw new SourceError("source/layer-encrypted", `layer ${digest} of ${name} is encrypted`, {
        hint: "decrypt the image first, with skopeo copy --decryption-key say",
      });
    }
    if (!isTarLayer(mediaType)) {
      throw new SourceError(
        "source/layer-type",
        `layer ${digest} of ${name} is of the unknown type ${JSON.stringify(mediaType)}`,
        { hint: "only layers that are tar archives can be read" },
      );
    }
  }
}

const isLayer = (mediaType: string) => isTarLayer(mediaType) || isEncryptedLayer(mediaType);

/**
 * A single manifest is taken whatever platform it is for, as other tools do, but not silently.
 * @throws {FormatError} `source/not-linux`
 */
export function warnOfPlatform(
  config: ImageConfig,
  platform: Platform,
  name: string,
  listener: Listener,
): void {
  if (config.platform === undefined || platformRank(config.platform, platform) !== undefined)
    return;
  if (config.platform.os !== "linux") {
    throw new FormatError(
      "source/not-linux",
      `${name} is an image for ${formatPlatform(config.platform)}`,
      { hint: "only Linux images can become SIF images" },
    );
  }
  listener({
    type: "warning",
    code: "source/platform-mismatch",
    message: `${name} is an image for ${formatPlatform(config.platform)}, and the build is for ${formatPlatform(platform)}`,
    hint: "name its platform with --arch, or choose another image",
  });
}

// Images kept in the form of an OCI image layout (image-layout.md of the OCI image specification), as a folder or in a
// tar archive:
//
//   oci-layout                 {"imageLayoutVersion":"1.0.0"}
//   index.json                 an index: one entry for each image, its name in an annotation
//   blobs/<algorithm>/<hex>    manifests, configurations, layers

import { checkDigest, digestParts, isDigest, type Digest } from "../cache/digest.ts";
import { FormatError, SourceError } from "../model/error.ts";
import type { Platform } from "../model/platform.ts";
import type { BlobPlace } from "./blob-reader.ts";
import type { ImageStore } from "./image.ts";
import {
  badDocument,
  maxDocumentBytes,
  parseManifest,
  type Descriptor,
  type IndexEntry,
} from "./manifest.ts";
import { isIndexType } from "./media-types.ts";
import { choosePlatform } from "./platform-choice.ts";
import { readPlace } from "./read-place.ts";
import { formatReference, parseReference } from "./reference.ts";

/** Files by their names in a layout: a folder's, or an archive's members. */
export interface LayoutFiles {
  /** For messages: the folder or archive. */
  readonly name: string;
  /** Where a file's bytes are, or undefined where it is missing. */
  find(path: string): Promise<BlobPlace | undefined>;
}

const refName = "org.opencontainers.image.ref.name";
const containerdName = "io.containerd.image.name";

export class LayoutStore implements ImageStore {
  readonly name: string;
  readonly #files: LayoutFiles;

  constructor(files: LayoutFiles) {
    this.name = files.name;
    this.#files = files;
  }

  /**
   * The manifest or index that is asked for.
   * @param wanted a digest, the name of an image in it, or undefined for the only one
   * @throws {SourceError} `source/not-a-layout`, `source/not-found`, `source/several-images`, `source/no-platform`
   */
  async start(
    wanted: string | undefined,
    platform: Platform,
  ): Promise<{ bytes: Buffer; mediaType: string | undefined; digest: Digest }> {
    const entry = await this.#choose(wanted, platform);
    const bytes = await this.document(entry, `the manifest ${entry.digest} of ${this.name}`);
    return { bytes, mediaType: entry.mediaType, digest: entry.digest };
  }

  async document(descriptor: Descriptor, what: string): Promise<Buffer> {
    const place = await this.layer(descriptor);
    const bytes = await readPlace(place, maxDocumentBytes);
    checkDigest(bytes, descriptor.digest, what);
    return bytes;
  }

  async layer(descriptor: Descriptor): Promise<BlobPlace> {
    const place = await this.#blob(descriptor.digest);
    if (place === undefined) {
      throw new SourceError(
        "source/not-found",
        `${this.name} lacks the blob ${descriptor.digest}`,
        {
          hint: "it was copied or saved in part only: make it again, with this platform's image",
        },
      );
    }
    if (place.sizeBytes !== descriptor.sizeBytes) {
      throw new FormatError(
        "source/digest-mismatch",
        `the blob ${descriptor.digest} in ${this.name} has ${place.sizeBytes} bytes instead of ${descriptor.sizeBytes}`,
        { hint: "the image is damaged: copy it again" },
      );
    }
    return place;
  }

  #blob(digest: Digest): Promise<BlobPlace | undefined> {
    const { algorithm, hex } = digestParts(digest);
    return this.#files.find(`blobs/${algorithm}/${hex}`);
  }

  async #choose(wanted: string | undefined, platform: Platform): Promise<IndexEntry> {
    const entries = await this.#entries();
    if (isDigest(wanted)) {
      const found = await this.#findDigest(entries, wanted);
      if (found !== undefined) return found;
      const place = await this.#blob(wanted);
      if (place === undefined) throw notFound(this.name, wanted, entries);
      return {
        mediaType: "",
        digest: wanted,
        sizeBytes: place.sizeBytes,
        annotations: {},
        platform: undefined,
      };
    }
    const named = wanted === undefined ? entries : entries.filter((one) => isNamed(one, wanted));
    const [only] = named;
    if (only === undefined) throw notFound(this.name, wanted ?? "any image", entries);
    if (named.length === 1) return only;
    // Several entries of one name, or without names, can only be one image for several platforms.
    const names = new Set(named.map((entry) => entry.annotations[refName] ?? ""));
    if (names.size > 1 || !named.every((entry) => entry.platform !== undefined)) {
      throw new SourceError("source/several-images", `${this.name} holds several images`, {
        hint: `say which: ${namesOf(named).join(", ")}`,
      });
    }
    return choosePlatform(named, platform, this.name);
  }

  async #entries(): Promise<readonly IndexEntry[]> {
    const place = await this.#files.find("index.json");
    if (place === undefined) {
      throw new SourceError("source/not-a-layout", `${this.name} is no OCI image layout`, {
        hint: "it has no index.json; skopeo copy … oci:FOLDER and umoci make such folders",
      });
    }
    const what = `index.json of ${this.name}`;
    const index = parseManifest(await readPlace(place, maxDocumentBytes), undefined, what);
    if (index.kind !== "index") throw badDocument(what, "is no index");
    return index.entries;
  }

  /** An entry with the digest, here or in an index that is an entry. */
  async #findDigest(
    entries: readonly IndexEntry[],
    wanted: Digest,
    depth = 0,
  ): Promise<IndexEntry | undefined> {
    for (const entry of entries) if (entry.digest === wanted) return entry;
    for (const entry of entries) {
      if (!isIndexType(entry.mediaType) || depth >= 4) continue;
      if ((await this.#blob(entry.digest)) === undefined) continue;
      const what = `the index ${entry.digest} of ${this.name}`;
      const nested = parseManifest(await this.document(entry, what), entry.mediaType, what);
      if (nested.kind !== "index") continue;
      const found = await this.#findDigest(nested.entries, wanted, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Whether an entry goes by a name: as it stands in an annotation, or as Docker would complete both. */
function isNamed(entry: IndexEntry, wanted: string): boolean {
  const names = [entry.annotations[refName], entry.annotations[containerdName]];
  return names.some((name) => name !== undefined && isSameName(name, wanted));
}

/** Whether two texts name the same image once Docker's defaults are filled in. */
export function isSameName(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return formatReference(parseReference(a)) === formatReference(parseReference(b));
  } catch {
    return false;
  }
}

function namesOf(entries: readonly IndexEntry[]): string[] {
  return entries.map((entry) => entry.annotations[refName] ?? `@${entry.digest}`);
}

function notFound(name: string, wanted: string, entries: readonly IndexEntry[]): SourceError {
  return new SourceError("source/not-found", `${name} doesn't hold ${wanted}`, {
    hint: entries.length === 0 ? "it is empty" : `it holds ${namesOf(entries).join(", ")}`,
  });
}

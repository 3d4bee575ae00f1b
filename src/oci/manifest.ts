// Manifests, indexes and configurations are JSON from strangers: what is used of them is checked here, once.

import { FormatError, SourceError } from "../model/error.ts";
import { isDigest, type Digest } from "../cache/digest.ts";
import { dockerList, dockerManifest, isIndexType, ociIndex, ociManifest } from "./media-types.ts";
import type { StatedPlatform } from "./platform-choice.ts";

/** The largest manifest, index or configuration that is read, in bytes; registries refuse larger ones. */
export const maxDocumentBytes = 4 * 1024 * 1024;

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface IndexEntry extends Descriptor {
  readonly platform: StatedPlatform | undefined;
}

export interface ImageIndex {
  readonly kind: "index";
  readonly entries: readonly IndexEntry[];
}

export interface ImageManifest {
  readonly kind: "manifest";
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** What is used of an image configuration. */
export interface ImageConfig {
  readonly platform: StatedPlatform | undefined;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[];
  /** The `config` object as it stands; empty where there is none. */
  readonly config: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A manifest or an index from its bytes. Which of the two it is, its own text decides; the type that a registry or a
 * descriptor states is asked where the text doesn't say.
 * @throws {FormatError} `source/bad-manifest`
 * @throws {SourceError} `source/manifest-version` for Docker's schema 1
 */
export function parseManifest(
  bytes: Uint8Array,
  statedType: string | undefined,
  what: string,
): ImageIndex | ImageManifest {
  const json = parseObject(bytes, what);
  if (json["schemaVersion"] === 1 || Array.isArray(json["fsLayers"])) {
    throw new SourceError("source/manifest-version", `${what} is of Docker's old schema 1`, {
      hint: "push the image again with a current tool, which writes schema 2 or OCI",
    });
  }
  const ownType = typeof json["mediaType"] === "string" ? json["mediaType"] : undefined;
  const known = [ociIndex, dockerList, ociManifest, dockerManifest];
  const type = [ownType, statedType].find((one) => one !== undefined && known.includes(one));
  const isIndex = type === undefined ? Array.isArray(json["manifests"]) : isIndexType(type);
  // A text with both members could be shown to one reader as this and to another as that.
  if (json["manifests"] !== undefined && json["layers"] !== undefined) {
    throw badDocument(what, "is a manifest and an index at once");
  }
  if (isIndex) {
    return {
      kind: "index",
      entries: list(json["manifests"], what, "manifests").map((entry, index) => ({
        ...parseDescriptor(entry, `${what}, manifests[${index}]`),
        platform: parsePlatform((entry as Json)["platform"]),
      })),
    };
  }
  return {
    kind: "manifest",
    config: parseDescriptor(json["config"], `${what}, config`),
    layers: list(json["layers"] ?? [], what, "layers").map((layer, index) =>
      parseDescriptor(layer, `${what}, layers[${index}]`),
    ),
  };
}

/** An image configuration from its bytes. @throws {FormatError} `source/bad-manifest` */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const json = parseObject(bytes, what);
  const rootfs = isObject(json["rootfs"]) ? json["rootfs"] : {};
  const diffIds = list(rootfs["diff_ids"] ?? [], what, "rootfs.diff_ids");
  for (const diffId of diffIds) {
    if (!isDigest(diffId)) {
      throw badDocument(
        what,
        `holds ${JSON.stringify(diffId)} where a layer's digest should stand`,
      );
    }
  }
  return {
    platform: parsePlatform(json),
    diffIds: diffIds as Digest[],
    config: isObject(json["config"]) ? json["config"] : {},
  };
}

/** JSON of at most `maxDocumentBytes`. @throws {FormatError} `source/bad-manifest` */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > maxDocumentBytes) {
    throw badDocument(what, `is larger than ${maxDocumentBytes} bytes`);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw badDocument(what, `is not JSON: ${(error as Error).message}`);
  }
}

function parseObject(bytes: Uint8Array, what: string): Json {
  const value = parseJson(bytes, what);
  if (!isObject(value)) throw badDocument(what, "is not a JSON object");
  return value;
}

function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isObject(value)) throw badDocument(what, "is not a descriptor");
  const { mediaType, digest, size, annotations } = value;
  if (!isDigest(digest)) throw badDocument(what, `has ${JSON.stringify(digest)} for its digest`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw badDocument(what, `has ${JSON.stringify(size)} for its size`);
  }
  return {
    mediaType: typeof mediaType === "string" ? mediaType : "",
    digest,
    sizeBytes: size,
    annotations: isObject(annotations)
      ? Object.fromEntries(
          Object.entries(annotations).filter(
            (pair): pair is [string, string] => typeof pair[1] === "string",
          ),
        )
      : {},
  };
}

function parsePlatform(value: unknown): StatedPlatform | undefined {
  if (!isObject(value)) return undefined;
  const { os, architecture, variant } = value;
  if (typeof os !== "string" || typeof architecture !== "string") return undefined;
  if (os === "" || architecture === "") return undefined;
  return {
    os,
    architecture,
    ...(typeof variant === "string" && variant !== "" ? { variant } : {}),
  };
}

function list(value: unknown, what: string, member: string): readonly unknown[] {
  if (!Array.isArray(value)) throw badDocument(what, `has no list ${member}`);
  return value as unknown[];
}

/** The error for a document that doesn't say what it should. */
export function badDocument(what: string, why: string): FormatError {
  return new FormatError("source/bad-manifest", `${what} ${why}`, {
    hint: "the image was written by a faulty tool, or it is no container image",
  });
}

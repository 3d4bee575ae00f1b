// What `docker save` and `podman save` write: a tar archive with
//
//   manifest.json    [{"Config": NAME, "RepoTags": [NAME:TAG, …], "Layers": [NAME, …]}, …]
//   NAME…            configurations and layers; layers are plain or compressed tar, or links to another layer
//
// Docker 25 and newer write an OCI image layout into the same archive; then that is used, as its blobs have digests.
// Docker before 1.10 wrote no manifest.json; such archives are refused with a hint.

import type { Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import type { BlobPlace } from "./blob-reader.ts";
import { badArchive, type ArchiveFile } from "./archive-file.ts";
import type { LayerSource } from "./image.ts";
import { isSameName } from "./layout.ts";
import { maxDocumentBytes, parseConfig, parseJson, type ImageConfig } from "./manifest.ts";
import { readPlace } from "./read-place.ts";

export interface DockerArchiveImage {
  readonly config: ImageConfig;
  readonly layers: readonly LayerSource[];
}

interface Item {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/**
 * An image of a docker-archive.
 * @param wanted its `name:tag`, its place among the images (`@0`), or undefined for the only one
 * @throws {FormatError} `source/bad-archive`, `source/bad-manifest`
 * @throws {SourceError} `source/not-found`, `source/several-images`, `source/no-layers`
 */
export async function readDockerArchive(
  archive: ArchiveFile,
  wanted: string | undefined,
): Promise<DockerArchiveImage> {
  const item = choose(await readItems(archive), wanted, archive.name);
  const what = `the configuration ${item.config} of ${archive.name}`;
  const config = parseConfig(
    await readPlace(await member(archive, item.config), maxDocumentBytes),
    what,
  );
  if (item.layers.length === 0) {
    throw new SourceError("source/no-layers", `${archive.name} holds an image without layers`, {
      hint: "an image without files can't be the base of another; use Bootstrap: scratch",
    });
  }
  if (config.diffIds.length !== item.layers.length) {
    throw badArchive(
      archive.name,
      `has ${item.layers.length} layers where the configuration lists ${config.diffIds.length}`,
    );
  }
  const layers = item.layers.map((name, index) => ({
    diffId: config.diffIds[index] as Digest,
    place: () => member(archive, name),
  }));
  return { config, layers };
}

async function member(archive: ArchiveFile, name: string): Promise<BlobPlace> {
  const place = await archive.find(name);
  if (place === undefined) throw badArchive(archive.name, `lacks ${name}`);
  return place;
}

async function readItems(archive: ArchiveFile): Promise<Item[]> {
  const place = await archive.find("manifest.json");
  if (place === undefined) {
    const isOld = (await archive.find("repositories")) !== undefined;
    throw badArchive(
      archive.name,
      isOld
        ? "was written by Docker before 1.10, and has no manifest.json"
        : "is no image archive: there is neither manifest.json nor index.json in it",
    );
  }
  const what = `manifest.json of ${archive.name}`;
  const json = parseJson(await readPlace(place, maxDocumentBytes), what);
  if (!Array.isArray(json)) throw badArchive(archive.name, "has a manifest.json that is no list");
  return json.map((value: unknown) => {
    const { Config, RepoTags, Layers } = (value ?? {}) as Record<string, unknown>;
    if (!isText(Config) || !Array.isArray(Layers) || !Layers.every(isText)) {
      throw badArchive(archive.name, "has a manifest.json without Config and Layers");
    }
    return {
      config: Config,
      tags: Array.isArray(RepoTags) ? RepoTags.filter(isText) : [],
      layers: Layers,
    };
  });
}

function choose(items: readonly Item[], wanted: string | undefined, name: string): Item {
  // As containers/image has it: the images of an archive are counted from 0.
  const position = /^@(\d+)$/.exec(wanted ?? "")?.[1];
  const named =
    wanted === undefined
      ? items
      : position !== undefined
        ? items.slice(Number(position)).slice(0, 1)
        : items.filter(({ tags }) => tags.some((tag) => isSameName(tag, wanted)));
  const [first] = named;
  const tags = items.flatMap((item) => item.tags);
  const hint = tags.length === 0 ? "its images have no names" : `it holds ${tags.join(", ")}`;
  if (first === undefined) {
    throw new SourceError("source/not-found", `${name} doesn't hold ${wanted ?? "any image"}`, {
      hint,
    });
  }
  if (named.length > 1 && wanted === undefined) {
    throw new SourceError("source/several-images", `${name} holds several images`, {
      hint: `say which, as PATH:NAME:TAG or PATH:@0, PATH:@1 …; ${hint}`,
    });
  }
  return first;
}

const isText = (value: unknown): value is string => typeof value === "string";

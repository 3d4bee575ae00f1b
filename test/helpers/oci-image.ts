// Writes images byte by byte, so that they can be as odd as they come: no tool would make most of these.

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { archive, entry, header } from "./tar.ts";

export interface TestBlob {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Record<string, string>;
  readonly platform?: Record<string, string>;
}

export const sha256 = (bytes: Uint8Array) =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export function blob(bytes: Uint8Array, mediaType: string): TestBlob {
  return { bytes: Buffer.from(bytes), mediaType, digest: sha256(bytes), size: bytes.length };
}

/** The descriptor of a blob as it stands in JSON. */
export function descriptor({ mediaType, digest, size, annotations, platform }: TestBlob): object {
  return { mediaType, digest, size, annotations, platform };
}

export function json(value: unknown, mediaType: string): TestBlob {
  return blob(Buffer.from(JSON.stringify(value)), mediaType);
}

export type LayerKind = "plain" | "gzip" | "zstd";

const layerTypes: Readonly<Record<LayerKind, string>> = {
  plain: "application/vnd.oci.image.layer.v1.tar",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
};

const compressors: Readonly<Record<LayerKind, (tar: Buffer) => Buffer>> = {
  plain: (tar) => tar,
  gzip: (tar) => gzipSync(tar, { level: 1 }),
  zstd: (tar) => zstdCompressSync(tar),
};

export interface TestLayer {
  readonly tar: Buffer;
  readonly blob: TestBlob;
}

export function layer(tar: Buffer, kind: LayerKind = "gzip"): TestLayer {
  return { tar, blob: blob(compressors[kind](tar), layerTypes[kind]) };
}

/** A layer of some text files. */
export function textLayer(files: Readonly<Record<string, string>>, kind?: LayerKind): TestLayer {
  const parts = Object.entries(files).map(([name, text]) =>
    name.endsWith("/") ? header({ name, type: "5", mode: 0o755 }) : entry({ name }, text),
  );
  return layer(archive(...parts), kind);
}

export interface TestImage {
  readonly manifest: TestBlob;
  readonly config: TestBlob;
  readonly layers: readonly TestLayer[];
  /** All that a registry or layout has to hold. */
  readonly blobs: readonly TestBlob[];
}

export interface ImageFields {
  /** `linux/arm64/v8`. */
  readonly platform?: string;
  readonly config?: object;
  readonly docker?: boolean;
  readonly diffIds?: readonly string[];
  readonly tag?: string;
}

export function platformOf(text: string): Record<string, string> {
  const [os = "", architecture = "", variant] = text.split("/");
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

export function image(layers: readonly TestLayer[], fields: ImageFields = {}): TestImage {
  const docker = fields.docker === true;
  const platform = platformOf(fields.platform ?? "linux/amd64");
  const config = json(
    {
      ...platform,
      config: fields.config ?? { Env: ["PATH=/bin"], Cmd: ["sh"] },
      rootfs: {
        type: "layers",
        diff_ids: fields.diffIds ?? layers.map(({ tar }) => sha256(tar)),
      },
      history: layers.map(() => ({ created_by: "test" })),
    },
    docker
      ? "application/vnd.docker.container.image.v1+json"
      : "application/vnd.oci.image.config.v1+json",
  );
  const type = docker
    ? "application/vnd.docker.distribution.manifest.v2+json"
    : "application/vnd.oci.image.manifest.v1+json";
  const described = layers.map(({ blob: one }) =>
    docker ? { ...one, mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip" } : one,
  );
  const manifest: TestBlob = {
    ...json(
      {
        schemaVersion: 2,
        mediaType: type,
        config: descriptor(config),
        layers: described.map(descriptor),
      },
      type,
    ),
    platform,
    ...(fields.tag === undefined
      ? {}
      : { annotations: { "org.opencontainers.image.ref.name": fields.tag } }),
  };
  return {
    manifest,
    config,
    layers,
    blobs: [...layers.map(({ blob: one }) => one), config, manifest],
  };
}

export function index(entries: readonly TestBlob[], docker = false): TestBlob {
  const mediaType = docker
    ? "application/vnd.docker.distribution.manifest.list.v2+json"
    : "application/vnd.oci.image.index.v1+json";
  return json({ schemaVersion: 2, mediaType, manifests: entries.map(descriptor) }, mediaType);
}

/** The files of an OCI layout: name → bytes. */
export function layoutFiles(
  entries: readonly TestBlob[],
  blobs: readonly TestBlob[],
): Record<string, Buffer> {
  return {
    "oci-layout": Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
    "index.json": index(entries).bytes,
    ...Object.fromEntries(blobs.map((one) => [`blobs/${one.digest.replace(":", "/")}`, one.bytes])),
  };
}

/** Writes files below a folder. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, Buffer>>,
): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** A tar archive of files. */
export function tarOf(files: Readonly<Record<string, Buffer>>, prefix = ""): Buffer {
  return archive(
    ...Object.entries(files).map(([name, bytes]) => entry({ name: prefix + name }, bytes)),
  );
}

/** The files of a docker-archive as Docker before 25 wrote it. */
export function dockerArchiveFiles(
  images: readonly { readonly image: TestImage; readonly tags: readonly string[] }[],
): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  const items = images.map(({ image: { config, layers }, tags }) => {
    const configName = `${config.digest.slice(7)}.json`;
    files[configName] = config.bytes;
    const names = layers.map(({ tar }) => {
      const name = `${sha256(tar).slice(7)}/layer.tar`;
      files[name] = tar;
      return name;
    });
    return { Config: configName, RepoTags: tags, Layers: names };
  });
  files["manifest.json"] = Buffer.from(JSON.stringify(items));
  return files;
}

// A tree as an OCI image of one layer, in a registry:
//
//   manifest    config: platform, what is run and with what, the layer's diff id
//               one layer: all files, as a compressed pax archive

import type { Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import {
  dockerConfig,
  dockerLayer,
  dockerManifest,
  ociConfig,
  ociLayer,
  ociManifest,
} from "../oci/media-types.ts";
import type { RegistryWriter } from "../oci/registry-writer.ts";
import { smallBlob, type UploadBlob } from "../oci/upload-blob.ts";
import { openFileBlob, uploadFile } from "./file-blob.ts";
import type { ImageForOci } from "./image-config.ts";
import { writeLayer, type LayerCompression, type LayerFile } from "./layer-file.ts";

export interface PushTreeOptions {
  readonly tag: string;
  /** In the words of Go. */
  readonly architecture: string;
  /** When the image was made; not said where it is not known. */
  readonly createdSeconds: number | undefined;
  readonly compression: LayerCompression;
  /** Where the layer is made. */
  readonly temporaryFolder: string;
  readonly mountFrom?: string | undefined;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * Pushes a tree. The same tree, configuration and options give the same bytes.
 * @returns the digest of the manifest
 * @throws what `writeLayer` and `RegistryWriter` throw
 */
export async function pushTree(
  image: ImageForOci,
  writer: RegistryWriter,
  options: PushTreeOptions,
): Promise<Digest> {
  const { tag, compression, listener, signal, mountFrom } = options;
  const layer = await writeLayer(image.tree, options.temporaryFolder, compression, options);
  await using blob = await openFileBlob(layer.file, layer.sizeBytes, {
    what: "the layer",
    digest: layer.digest,
    listener,
    signal,
  });
  await uploadFile(writer, blob, { mountFrom, listener });
  const config = smallBlob(configOf(image, layer, options), "its configuration");
  await writer.upload(config);
  try {
    return await writer.putManifest(tag, manifestOf("oci", config, blob, compression));
  } catch (error) {
    const isRefused = error instanceof SourceError && error.code === "push/refused";
    if (!isRefused || compression.name !== "gzip") throw error;
    // Registries from before OCI take Docker's types for the same bytes.
    const older = manifestOf("docker", config, blob, compression);
    const digest = await writer.putManifest(tag, older).catch(() => undefined);
    if (digest === undefined) throw error;
    listener({
      type: "note",
      message: `${writer.name} takes no OCI images; this one is there as an image of Docker's form`,
    });
    return digest;
  }
}

function configOf(image: ImageForOci, layer: LayerFile, options: PushTreeOptions): Buffer {
  const { architecture, createdSeconds } = options;
  const created =
    createdSeconds === undefined
      ? {}
      : { created: new Date(createdSeconds * 1000).toISOString().replace(".000Z", "Z") };
  return Buffer.from(
    JSON.stringify({
      ...created,
      architecture,
      os: "linux",
      config: image.config,
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
      history: [{ ...created, created_by: "tsbuild push" }],
    }),
  );
}

const descriptor = (mediaType: string, { digest, sizeBytes }: UploadBlob) => ({
  mediaType,
  digest,
  size: sizeBytes,
});

function manifestOf(
  form: "oci" | "docker",
  config: UploadBlob,
  layer: UploadBlob,
  compression: LayerCompression,
): { mediaType: string; bytes: Buffer } {
  const types =
    form === "oci"
      ? { manifest: ociManifest, config: ociConfig, layer: `${ociLayer}+${compression.name}` }
      : { manifest: dockerManifest, config: dockerConfig, layer: `${dockerLayer}.gzip` };
  const manifest = {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(types.config, config),
    layers: [descriptor(types.layer, layer)],
  };
  return { mediaType: types.manifest, bytes: Buffer.from(JSON.stringify(manifest)) };
}

// A SIF file in a registry, as Apptainer and SingularityCE push it, to the byte:
//
//   manifest    config: {} of application/vnd.sylabs.sif.config.v1+json
//               one layer: the file, application/vnd.sylabs.sif.layer.v1.sif, its name in an annotation
//
// So the same file pushed by either has the same digest. (`artifactType` of OCI 1.1 would say what the type of config says
// already, and old registries refuse it.)

import { basename } from "node:path";
import { stat } from "node:fs/promises";
import type { Digest } from "../cache/digest.ts";
import { goString } from "../layout/go-json.ts";
import { toByteString } from "../model/bytes-path.ts";
import { SourceError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import { ociConfig, ociManifest, sifConfig, sifLayer } from "../oci/media-types.ts";
import type { RegistryWriter } from "../oci/registry-writer.ts";
import { smallBlob } from "../oci/upload-blob.ts";
import { SifFile } from "../sif/sif-file.ts";
import { openFileBlob, uploadFile } from "./file-blob.ts";

export interface PushSifOptions {
  readonly tag: string;
  /** Another repository of the registry that may hold the file already. */
  readonly mountFrom?: string | undefined;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * Pushes a SIF file as it is.
 * @returns the digest of the manifest
 * @throws {FormatError} `sif/not-sif`, `sif/damaged`, `source/file-changed`
 * @throws {SourceError} what `RegistryWriter` throws
 */
export async function pushSif(
  file: string,
  writer: RegistryWriter,
  options: PushSifOptions,
): Promise<Digest> {
  const { tag, listener, signal, mountFrom } = options;
  await (await SifFile.read(file)).close();
  const title = basename(file);
  const { size } = await stat(file);
  await using blob = await openFileBlob(file, size, { what: title, listener, signal });
  await uploadFile(writer, blob, { mountFrom, listener });
  const config = smallBlob(Buffer.from("{}"), "its configuration");
  await writer.upload(config);
  const manifest = (configType: string) => ({
    mediaType: ociManifest,
    bytes: Buffer.from(
      [
        `{"schemaVersion":2,"mediaType":"${ociManifest}",`,
        `"config":{"mediaType":"${configType}","size":${config.sizeBytes},"digest":"${config.digest}"},`,
        `"layers":[{"mediaType":"${sifLayer}","size":${blob.sizeBytes},"digest":"${blob.digest}",`,
        `"annotations":{"org.opencontainers.image.title":${goString(toByteString(title))}}}]}`,
      ].join(""),
    ),
  });
  try {
    return await writer.putManifest(tag, manifest(sifConfig));
  } catch (error) {
    if (!(error instanceof SourceError && error.code === "push/refused")) throw error;
    // Some registries take no type of configuration but that of container images. Readers look at the layer's type.
    const plainer = await writer.putManifest(tag, manifest(ociConfig)).catch(() => undefined);
    if (plainer === undefined) throw error;
    listener({
      type: "note",
      message: `${writer.name} takes no SIF files by their type; this one is there as an image with a SIF file for its layer`,
    });
    return plainer;
  }
}

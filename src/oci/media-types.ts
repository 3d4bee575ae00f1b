// The media types that images are made of: OCI image specification (media-types.md) and Docker's schema 2.

export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
export const dockerList = "application/vnd.docker.distribution.manifest.list.v2+json";

export const ociConfig = "application/vnd.oci.image.config.v1+json";
export const dockerConfig = "application/vnd.docker.container.image.v1+json";
export const ociLayer = "application/vnd.oci.image.layer.v1.tar";
export const dockerLayer = "application/vnd.docker.image.rootfs.diff.tar";
export const sifConfig = "application/vnd.sylabs.sif.config.v1+json";
export const sifLayer = "application/vnd.sylabs.sif.layer.v1.sif";

/** What a registry is asked for, best first. */
export const manifestTypes: readonly string[] = [ociIndex, ociManifest, dockerList, dockerManifest];

export function isIndexType(mediaType: string): boolean {
  return mediaType === ociIndex || mediaType === dockerList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === ociManifest || mediaType === dockerManifest;
}

/**
 * Whether a layer of this type is a tar archive, compressed or not. How it is compressed is not asked: images with
 * zstd layers of a gzip type are about, and the bytes say it themselves.
 */
export function isTarLayer(mediaType: string): boolean {
  return /^application\/(?:vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+(?:gzip|zstd))?|vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:[.+](?:gzip|zstd))?)$/.test(
    mediaType,
  );
}

/** Layers of the containers/ocicrypt kind, which only the holder of a key can read. */
export function isEncryptedLayer(mediaType: string): boolean {
  return mediaType.endsWith("+encrypted");
}

/** A SIF file pushed to a registry. Old versions of the tools misspelt the type, and such images are still about. */
export function isSifLayer(mediaType: string): boolean {
  return [
    sifLayer,
    "application/vnd.sylabs.sif.layer.tar",
    "appliciation/vnd.sylabs.sif.layer.tar",
  ].includes(mediaType);
}

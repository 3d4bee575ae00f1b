// Images in registries, layout folders and archives: the public part of it, `tsbuild/oci`.

export { BlobCache } from "../cache/blob-cache.ts";
export { isDigest, type Digest } from "../cache/digest.ts";
export { ArchiveFile, type ArchiveOptions } from "./archive-file.ts";
export type { Credentials, Login } from "./authorizer.ts";
export type { BlobPlace } from "./blob-reader.ts";
export { systemCredentials, type CredentialOptions } from "./credentials.ts";
export { Dispatchers } from "./dispatchers.ts";
export { readDockerArchive, type DockerArchiveImage } from "./docker-archive.ts";
export {
  layersOf,
  openImage,
  resolveImage,
  type ImageStore,
  type LayerSource,
  type OpenImage,
  type OpenImageOptions,
  type ResolvedImage,
} from "./image.ts";
export { Layer, type LayerOptions } from "./layer.ts";
export { LayerIndexCache } from "./layer-index-cache.ts";
export type { LayerDigests, LayerIndex } from "./layer-index.ts";
export { LayoutFolder } from "./layout-folder.ts";
export { LayoutStore, type LayoutFiles } from "./layout.ts";
export {
  parseConfig,
  parseManifest,
  type Descriptor,
  type ImageConfig,
  type ImageIndex,
  type ImageManifest,
  type IndexEntry,
} from "./manifest.ts";
export { MirroredRepository } from "./mirrored-repository.ts";
export { choosePlatform, formatPlatform, type StatedPlatform } from "./platform-choice.ts";
export { formatReference, parseReference, type Reference } from "./reference.ts";
export { endpointsOf, type Endpoint, type RegistriesOptions } from "./registries-conf.ts";
export { Registry, type RegistryAccess, type RegistryOptions } from "./registry.ts";
export { RegistryStore } from "./registry-store.ts";
export {
  Repository,
  type FetchedManifest,
  type RepositoryOptions,
  type RepositoryReader,
} from "./repository.ts";

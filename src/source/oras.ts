import type { Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import type { RegistryStore } from "../oci/registry-store.ts";
import { bytesOfPlace, type FetchImage, type TakeImage } from "./fetched-image.ts";
import { refuseFingerprints } from "./signed-by.ts";
import { registryKeywords, withRegistry } from "./registry-base.ts";
import type { ImageSource, SourceContext } from "./source.ts";

/** A SIF file that was pushed to an OCI registry. */
export const orasSource: ImageSource = {
  names: ["oras"],
  keywords: registryKeywords,
  summary: "A SIF file in an OCI registry.",
  async open(header, context) {
    refuseFingerprints(header);
    const { openImage } = await import("./open-image.ts");
    const { name, digest, place } = await withRegistry(header, context, (store) =>
      findSif(store, context),
    );
    const endLease = () => place.lease?.[Symbol.asyncDispose]();
    try {
      const image = await openImage(place.file, name);
      return {
        kind: "image",
        tree: image.tree,
        ociConfig: image.ociConfig,
        origin: { name, digest },
        dispose: async () => {
          await image.dispose();
          await endLease();
        },
      };
    } catch (error) {
      await endLease();
      throw error;
    }
  },
};

/** @throws {SourceError} `source/no-sif`, and what `withRegistry` and `wholeBlob` throw */
export const fetchOras: FetchImage = async (header, context, take) =>
  takeSif(await withRegistry(header, context, (store) => findSif(store, context)), context, take);

/** A SIF file that was fetched into the cache. */
interface FoundSif {
  readonly name: string;
  /** Of the manifest: what a reader would pin. */
  readonly digest: Digest;
  readonly place: Awaited<ReturnType<(typeof import("../oci/whole-blob.ts"))["wholeBlob"]>>;
}

/** Hands the bytes of a found file on, and lets the cache have it back. */
export async function takeSif<Result>(
  { name, place }: FoundSif,
  { signal }: SourceContext,
  take: TakeImage<Result>,
): Promise<Result> {
  try {
    return await take(bytesOfPlace(place, name, signal), name);
  } finally {
    await place.lease?.[Symbol.asyncDispose]();
  }
}

/** Fetches the SIF file of an image in a registry, and checks it. @throws {SourceError} `source/no-sif` */
export async function findSif(store: RegistryStore, context: SourceContext): Promise<FoundSif> {
  const [{ resolveManifest }, { isSifLayer }, { wholeBlob }] = await Promise.all([
    import("../oci/image.ts"),
    import("../oci/media-types.ts"),
    import("../oci/whole-blob.ts"),
  ]);
  const { manifest, digest } = await resolveManifest(store, await store.start(), context.platform);
  // Some registries add layers of their own beside it.
  const found = manifest.layers.filter(({ mediaType }) => isSifLayer(mediaType));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new SourceError(
      "source/no-sif",
      `${store.name} holds ${found.length === 0 ? "no SIF file" : "several SIF files"}`,
      {
        hint:
          found.length === 0
            ? "it is an image of layers: use Bootstrap: docker"
            : "push each with a tag of its own",
      },
    );
  }
  return {
    name: store.name,
    digest,
    place: await wholeBlob(store, only, { signal: context.signal }),
  };
}

import { SourceError } from "../model/error.ts";
import { registryKeywords, withRegistry } from "./registry-base.ts";
import type { ImageSource } from "./source.ts";

/** A SIF file that was pushed to an OCI registry. */
export const orasSource: ImageSource = {
  names: ["oras"],
  keywords: registryKeywords,
  summary: "A SIF file in an OCI registry.",
  async open(header, context) {
    const [{ resolveManifest }, { isSifLayer }, { wholeBlob }, { openImage }] = await Promise.all([
      import("../oci/image.ts"),
      import("../oci/media-types.ts"),
      import("../oci/whole-blob.ts"),
      import("./open-image.ts"),
    ]);
    const { name, place } = await withRegistry(header, context, async (store) => {
      const { manifest } = await resolveManifest(store, await store.start(), context.platform);
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
        place: await wholeBlob(store, only, { signal: context.signal }),
      };
    });
    const endLease = () => place.lease?.[Symbol.asyncDispose]();
    try {
      const image = await openImage(place.file, name);
      return {
        kind: "image",
        tree: image.tree,
        ociConfig: image.ociConfig,
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

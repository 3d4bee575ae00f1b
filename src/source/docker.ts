import { openBase } from "./oci-base.ts";
import { registryKeywords, withRegistry } from "./registry-base.ts";
import type { ImageSource } from "./source.ts";

/** An image in a registry, found as Docker finds it. */
export const dockerSource: ImageSource = {
  names: ["docker"],
  keywords: registryKeywords,
  summary: "An image in a Docker or OCI registry.",
  async open(header, context) {
    const { layersOf, resolveImage } = await import("../oci/image.ts");
    return withRegistry(header, context, async (store) => {
      const image = await resolveImage(
        store,
        await store.start(),
        context.platform,
        context.listener,
      );
      const base = await openBase(layersOf(store, image), image.config, context);
      return { ...base, origin: { name: store.name, digest: image.digest } };
    });
  },
};

import { blobFolder, openBase } from "./oci-base.ts";
import type { ImageSource } from "./source.ts";

/** An image in a registry, found as Docker finds it. */
export const dockerSource: ImageSource = {
  names: ["docker"],
  keywords: [
    {
      name: "from",
      required: true,
      meaning: "the image: [registry[:port]/]name[:tag][@sha256:digest], Docker Hub's by default",
    },
    { name: "registry", required: false, meaning: "a registry to put before From" },
    { name: "namespace", required: false, meaning: "a path to put between registry and From" },
  ],
  summary: "An image in a Docker or OCI registry.",
  async open(header, context) {
    const [
      { BlobCache },
      { Dispatchers },
      { layersOf, resolveImage },
      { MirroredRepository },
      { formatReference, referenceOfHeader },
      { endpointsOf },
      { RegistryStore },
      { Repository },
      { systemCredentials },
    ] = await Promise.all([
      import("../cache/blob-cache.ts"),
      import("../oci/dispatchers.ts"),
      import("../oci/image.ts"),
      import("../oci/mirrored-repository.ts"),
      import("../oci/reference.ts"),
      import("../oci/registries-conf.ts"),
      import("../oci/registry-store.ts"),
      import("../oci/repository.ts"),
      import("../oci/credentials.ts"),
    ]);
    const reference = referenceOfHeader(header);
    const dispatchers = new Dispatchers();
    try {
      const options = {
        dispatchers,
        credentials: systemCredentials({
          onProblem: (message) =>
            context.listener({ type: "warning", code: "source/bad-login-store", message }),
        }),
        noHttps: context.noHttps,
        signal: context.signal,
      };
      const endpoints = await endpointsOf(reference, {
        onProblem: (message) =>
          context.listener({ type: "warning", code: "source/bad-registries-conf", message }),
      });
      const places = endpoints.map(
        (endpoint, at) =>
          new Repository(endpoint, {
            ...options,
            isInsecure: endpoint.isInsecure,
            // A mirror has a stand-in, so there is less reason to be patient with it.
            ...(at < endpoints.length - 1 ? { attempts: 2 } : {}),
          }),
      );
      const repository = new MirroredRepository(places, (message) =>
        context.listener({ type: "note", message }),
      );
      const cache = new BlobCache(await blobFolder(context));
      const name = formatReference(reference);
      const store = new RegistryStore(name, repository, cache, context.listener);
      const image = await resolveImage(
        store,
        await store.start(reference),
        context.platform,
        context.listener,
      );
      return await openBase(layersOf(store, image), image.config, context);
    } finally {
      await dispatchers.close();
    }
  },
};

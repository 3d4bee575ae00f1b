// What the agents for images in registries share.

import type { Reference } from "../oci/reference.ts";
import type { RegistryStore } from "../oci/registry-store.ts";
import { blobFolder } from "./oci-base.ts";
import type { HeaderKeyword, SourceContext } from "./source.ts";

export const registryKeywords: readonly HeaderKeyword[] = [
  {
    name: "from",
    required: true,
    meaning: "the image: [registry[:port]/]name[:tag][@sha256:digest], Docker Hub's by default",
  },
  { name: "registry", required: false, meaning: "a registry to put before From" },
  { name: "namespace", required: false, meaning: "a path to put between registry and From" },
];

/**
 * Does something with the image in a registry that a header names, over its mirrors and with the user's logins; the
 * connections last as long as the work.
 * @throws {SourceError} `source/bad-reference`, `source/blocked`; and what the work throws
 */
export async function withRegistry<Result>(
  header: ReadonlyMap<string, string>,
  context: SourceContext,
  work: (store: RegistryStore, reference: Reference) => Promise<Result>,
): Promise<Result> {
  const [
    { BlobCache },
    { systemCredentials },
    { Dispatchers },
    { MirroredRepository },
    { formatReference, referenceOfHeader },
    { endpointsOf },
    { RegistryStore },
    { Repository },
  ] = await Promise.all([
    import("../cache/blob-cache.ts"),
    import("../oci/credentials.ts"),
    import("../oci/dispatchers.ts"),
    import("../oci/mirrored-repository.ts"),
    import("../oci/reference.ts"),
    import("../oci/registries-conf.ts"),
    import("../oci/registry-store.ts"),
    import("../oci/repository.ts"),
  ]);
  const reference = referenceOfHeader(header);
  const { listener, noHttps, signal } = context;
  const warn = (code: string) => (message: string) => listener({ type: "warning", code, message });
  const endpoints = await endpointsOf(reference, {
    onProblem: warn("source/bad-registries-conf"),
  });
  const dispatchers = new Dispatchers();
  try {
    const credentials = systemCredentials({ onProblem: warn("source/bad-login-store") });
    const places = endpoints.map(
      (endpoint, at) =>
        new Repository(endpoint, {
          dispatchers,
          credentials,
          noHttps,
          signal,
          isInsecure: endpoint.isInsecure,
          // A mirror has a stand-in, so there is less reason to be patient with it.
          ...(at < endpoints.length - 1 ? { attempts: 2 } : {}),
        }),
    );
    const repository = new MirroredRepository(places, (message) =>
      listener({ type: "note", message }),
    );
    const cache = new BlobCache(await blobFolder(context));
    const name = formatReference(reference);
    return await work(new RegistryStore(name, repository, cache, listener), reference);
  } finally {
    await dispatchers.close();
  }
}

// What the agents for images in registries share.

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
  work: (store: RegistryStore) => Promise<Result>,
): Promise<Result> {
  const [{ referenceOfHeader }, { Registry }] = await Promise.all([
    import("../oci/reference.ts"),
    import("../oci/registry.ts"),
  ]);
  const { listener, noHttps, signal, access } = context;
  const reference = referenceOfHeader(header);
  await using registry = new Registry({
    ...access,
    noHttps,
    listener,
    signal,
    cacheFolder: await blobFolder(context),
  });
  return await work(await registry.image(reference));
}

import { SourceError } from "../model/error.ts";
import type { LibraryClient, RegistryTicket } from "../library-client/library-client.ts";
import type { LibraryReference } from "../library-client/library-reference.ts";
import {
  downloadWithProgress,
  openFetched,
  withClient,
  type FetchImage,
  type TakeImage,
} from "./fetched-image.ts";
import type { ImageSource, SourceContext } from "./source.ts";

/** A SIF file of a library server: Sylabs' cloud, or one of that kind. */
export const librarySource: ImageSource = {
  names: ["library"],
  keywords: [
    {
      name: "from",
      required: true,
      meaning: "the image: [HOST/]ENTITY/COLLECTION/CONTAINER[:TAG]",
    },
    { name: "library", required: false, meaning: "the server's address" },
  ],
  summary: "A SIF file of a library server.",
  open: (header, context) => openFetched(header, context, fetchLibrary),
};

/**
 * @throws {SourceError} `source/bad-reference`, `source/no-library`, `source/not-found`, and what downloading throws
 * @throws {FormatError} `source/digest-mismatch`
 */
export const fetchLibrary: FetchImage = async (header, context, take) => {
  const [{ parseLibraryReference, containerPath }, { findLibraryServer }, { LibraryClient }] =
    await Promise.all([
      import("../library-client/library-reference.ts"),
      import("../library-client/library-server.ts"),
      import("../library-client/library-client.ts"),
    ]);
  const reference = parseLibraryReference(header.get("from") ?? "");
  const path = containerPath(reference);
  return withClient(context, `fetch library://${path}`, async (http) => {
    const server = await findLibraryServer(http, {
      host: reference.host,
      address: header.get("library"),
      noHttps: context.noHttps,
      env: process.env,
    });
    const client = new LibraryClient(http, server);
    const ticket = await client.registryTicket(path);
    return ticket === undefined
      ? fromServer(client, path, reference, context, take)
      : fromRegistry(ticket, reference, context, take);
  });
};

async function fromServer<Result>(
  client: LibraryClient,
  path: string,
  { tags }: LibraryReference,
  context: SourceContext,
  take: TakeImage<Result>,
): Promise<Result> {
  const { architecture } = context.platform;
  const [tag = "latest"] = tags;
  const name = `library://${client.host}/${path}:${tag}`;
  const image = await client.image(path, tag, architecture);
  if (image === undefined || !image.isUploaded) {
    throw new SourceError("source/not-found", `there is no ${name} for ${architecture}`, {
      hint: "check the name, the tag and --arch; images that are not public want a token",
    });
  }
  const request = {
    url: client.url(`v1/imagefile/${path}:${tag}`, { arch: architecture }),
    what: name,
    authorization: client.authorization,
  };
  const chunks = downloadWithProgress(client.http, request, context, {
    sizeBytes: image.sizeBytes,
  });
  return take(checked(chunks, image.hash, name), name);
}

/** The bytes, and an error at their end where they are not those that the server described. */
async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  described: string,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const expected = /^sha256\.([0-9a-f]{64})$/.exec(described)?.[1];
  const found = hash.digest("hex");
  if (expected === undefined || expected === found) return;
  const { digestMismatch } = await import("../cache/digest.ts");
  throw digestMismatch(name, `sha256:${expected}`, `sha256:${found}`);
}

/** Newer servers are a registry with another door. */
async function fromRegistry<Result>(
  ticket: RegistryTicket,
  { tags }: LibraryReference,
  context: SourceContext,
  take: TakeImage<Result>,
): Promise<Result> {
  const [{ Registry }, { blobFolder }, { findSif, takeSif }] = await Promise.all([
    import("../oci/registry.ts"),
    import("./oci-base.ts"),
    import("./oras.ts"),
  ]);
  const { access, listener, signal } = context;
  const { token } = ticket;
  await using registry = new Registry({
    ...access,
    noHttps: ticket.url.protocol === "http:",
    credentials: {
      find: async () => (token === undefined ? undefined : { kind: "bearer", token }),
    },
    cacheFolder: await blobFolder(context),
    listener,
    signal,
  });
  const [tag = "latest"] = tags;
  const store = await registry.image({
    registry: ticket.url.host,
    repository: ticket.repository,
    tag,
  });
  return await takeSif(await findSif(store, context), context, take);
}

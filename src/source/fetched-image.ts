// What the agents for image files elsewhere share: the file comes as a stream, and whoever wants it says where to.

import type { BlobPlace } from "../oci/blob-reader.ts";
import type { DownloadOptions } from "../oci/download.ts";
import type { HttpClient, HttpRequest } from "../oci/http.ts";
import { refuseFingerprints } from "./signed-by.ts";
import type { BaseImage, SourceContext } from "./source.ts";

/** Does something with the bytes of an image file as they come. They are right when they have come to their end. */
export type TakeImage<Result> = (
  chunks: AsyncIterable<Uint8Array>,
  /** For messages. */
  name: string,
) => Promise<Result>;

/** Gets the image file that a header names. @throws {SourceError}, {FormatError} when it can't be had or is wrong */
export type FetchImage = <Result>(
  header: ReadonlyMap<string, string>,
  context: SourceContext,
  take: TakeImage<Result>,
) => Promise<Result>;

/** Opens an image file from elsewhere as a base, through a file in the build's temporary folder. */
export async function openFetched(
  header: ReadonlyMap<string, string>,
  context: SourceContext,
  fetch: FetchImage,
): Promise<BaseImage> {
  const [{ writeTemporaryFile }, { openImage }] = await Promise.all([
    import("../oci/temporary-file.ts"),
    import("./open-image.ts"),
  ]);
  refuseFingerprints(header);
  const image = await fetch(header, context, async (chunks, name) =>
    openImage(await writeTemporaryFile(context.temporaryFolder, chunks, name), name),
  );
  return {
    kind: "image",
    tree: image.tree,
    ociConfig: image.ociConfig,
    dispose: () => image.dispose(),
  };
}

/** Connections for the time of some work, over the proxies and certificates that registries are asked with. */
export async function withClient<Result>(
  context: SourceContext,
  what: string,
  work: (client: HttpClient) => Promise<Result>,
): Promise<Result> {
  const [{ Registry }, { blobFolder }] = await Promise.all([
    import("../oci/registry.ts"),
    import("./oci-base.ts"),
  ]);
  const { access, listener, signal } = context;
  const cacheFolder = await blobFolder(context);
  await using registry = new Registry({ ...access, cacheFolder, listener, signal });
  return await work(registry.client(what));
}

/** A download that tells how far it is. */
export async function* downloadWithProgress(
  client: HttpClient,
  request: HttpRequest,
  context: SourceContext,
  options: DownloadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const [{ download }, { ByteProgress }] = await Promise.all([
    import("../oci/download.ts"),
    import("../oci/progress.ts"),
  ]);
  const task = `download ${request.what}`;
  let progress: InstanceType<typeof ByteProgress> | undefined;
  let done = 0;
  const chunks = download(client, request, {
    ...options,
    onTotal: (total) => (progress ??= new ByteProgress(context.listener, task, total)),
  });
  for await (const chunk of chunks) {
    yield chunk;
    done += chunk.length;
    progress?.at(done);
  }
}

/** The bytes of a file that is here. */
export async function* bytesOfPlace(
  place: BlobPlace,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { BlobReader } = await import("../oci/blob-reader.ts");
  const reader = await BlobReader.open(place, name);
  try {
    yield* reader.read(0, undefined, signal);
    await reader.checkUnchanged();
  } finally {
    await reader.close();
  }
}

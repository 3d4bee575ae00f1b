import { basename } from "node:path";
import { stat } from "node:fs/promises";
import { shortDigest, type Digest } from "../cache/digest.ts";
import { LibraryClient } from "../library-client/library-client.ts";
import type { LibraryReference } from "../library-client/library-reference.ts";
import { findLibraryServer, type ServerWishes } from "../library-client/library-server.ts";
import { pushToLibrary } from "../library-client/push-to-library.ts";
import type { Listener } from "../model/event.ts";
import { platformOf } from "../model/platform.ts";
import type { HttpClient } from "../oci/http.ts";
import { ByteProgress } from "../oci/progress.ts";
import { SifFile } from "../sif/sif-file.ts";
import { openFileBlob } from "./file-blob.ts";

export interface PushLibraryOptions extends Omit<ServerWishes, "host"> {
  readonly description: string;
  readonly listener: Listener;
  readonly signal: AbortSignal;
}

/**
 * Pushes a SIF file to a library server.
 * @returns the server, and the digest of the file
 * @throws {FormatError} `sif/not-sif`, `sif/damaged`, `source/file-changed`
 * @throws {SourceError} `source/no-library`, and what `pushToLibrary` throws
 */
export async function pushLibrary(
  file: string,
  reference: LibraryReference,
  http: HttpClient,
  options: PushLibraryOptions,
): Promise<{ readonly host: string; readonly digest: Digest }> {
  const { listener, signal, description } = options;
  const architecture = await architectureOf(file);
  const server = await findLibraryServer(http, { ...options, host: reference.host });
  const { size } = await stat(file);
  await using blob = await openFileBlob(file, size, { what: basename(file), listener, signal });
  let progress: ByteProgress | undefined;
  const client = new LibraryClient(http, server);
  const digest = await pushToLibrary(client, reference, blob, {
    architecture,
    description,
    onProgress: (bytes) => {
      progress ??= new ByteProgress(listener, `upload ${shortDigest(blob.digest)}`, size);
      progress.at(bytes);
    },
  });
  await blob.check();
  return { host: client.host, digest };
}

async function architectureOf(file: string): Promise<string> {
  await using sif = await SifFile.read(file);
  return sif.architecture ?? platformOf(process.arch).architecture;
}

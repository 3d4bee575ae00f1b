import { createHash } from "node:crypto";
import { shortDigest, type Digest } from "../cache/digest.ts";
import type { Listener } from "../model/event.ts";
import { BlobReader } from "../oci/blob-reader.ts";
import { ByteProgress } from "../oci/progress.ts";
import type { RegistryWriter, UploadResult } from "../oci/registry-writer.ts";
import type { UploadBlob } from "../oci/upload-blob.ts";

/** A file to be sent, held open: it stays the same one whatever happens to its name. */
export interface FileBlob extends UploadBlob, AsyncDisposable {
  /** @throws {FormatError} `source/file-changed` when it was written to since it was opened */
  check(): Promise<void>;
}

/**
 * Opens a file, and hashes it where the digest isn't known yet.
 * @throws {SourceError} `source/unreadable`
 * @throws the signal's reason
 */
export async function openFileBlob(
  file: string,
  sizeBytes: number,
  options: {
    readonly what: string;
    readonly listener: Listener;
    readonly signal: AbortSignal;
    readonly digest?: Digest | undefined;
  },
): Promise<FileBlob> {
  const { what, listener, signal } = options;
  const reader = await BlobReader.open({ file, offset: 0, sizeBytes }, what);
  try {
    const digest = options.digest ?? (await digestOf(reader, listener, signal));
    return {
      digest,
      sizeBytes,
      what,
      read: (from, to) => reader.read(from, to - from, signal),
      check: () => reader.checkUnchanged(),
      [Symbol.asyncDispose]: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function digestOf(
  reader: BlobReader,
  listener: Listener,
  signal: AbortSignal,
): Promise<Digest> {
  const progress = new ByteProgress(listener, `hash ${reader.name}`, reader.sizeBytes);
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of reader.read(0, undefined, signal)) {
    hash.update(chunk);
    progress.at((done += chunk.length));
  }
  return `sha256:${hash.digest("hex")}`;
}

/** Uploads a file, and tells what became of it. Errors as `RegistryWriter.upload`. */
export async function uploadFile(
  writer: RegistryWriter,
  blob: FileBlob,
  options: { readonly mountFrom?: string | undefined; readonly listener: Listener },
): Promise<UploadResult> {
  const { listener, mountFrom } = options;
  let progress: ByteProgress | undefined;
  const result = await writer.upload(blob, {
    mountFrom,
    onProgress: (bytes) => {
      progress ??= new ByteProgress(listener, `upload ${shortDigest(blob.digest)}`, blob.sizeBytes);
      progress.at(bytes);
    },
  });
  await blob.check();
  if (result !== "sent") {
    const how = result === "existed" ? "holds" : `took from ${mountFrom ?? ""}`;
    listener({ type: "note", message: `${writer.name} ${how} ${blob.what} already` });
  }
  return result;
}

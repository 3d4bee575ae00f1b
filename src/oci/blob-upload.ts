// How one blob gets into a repository (OCI distribution specification 1.1, "Pushing Blobs"): begun with POST, sent with
// PATCH in one piece or several, ended with PUT; GET says how far it has come, DELETE has it forgotten.

import { SourceError } from "../model/error.ts";
import { drop } from "./http.ts";
import { pushError } from "./push-errors.ts";
import { headerOf, type Answered, type RegistrySession } from "./registry-session.ts";
import type { UploadBlob } from "./upload-blob.ts";

export interface UploadSizes {
  /** Up to this size a blob goes in one request together with its end. */
  readonly monolithicBytes: number;
  /** The size of pieces for registries that don't take a whole blob in one request. */
  readonly pieceBytes: number;
}

/** How often an upload is gone on with that brings nothing. */
const fruitlessAttempts = 4;
/** So many in a row, and the blob goes in pieces: a proxy may cut what is too long for it without a word. */
const attemptsUntilPieces = 2;

interface Upload {
  location: URL;
  /** Bytes that the registry has. */
  done: number;
  /** What a piece must have at least, the last one aside. */
  readonly leastBytes: number;
}

export class BlobUpload {
  readonly #session: RegistrySession;
  readonly #blob: UploadBlob;
  readonly #sizes: UploadSizes;
  readonly #onProgress: (bytes: number) => void;

  /** @param onProgress told how many bytes the registry has */
  constructor(
    session: RegistrySession,
    blob: UploadBlob,
    sizes: UploadSizes,
    onProgress: (bytes: number) => void = () => {},
  ) {
    this.#session = session;
    this.#blob = blob;
    this.#sizes = sizes;
    this.#onProgress = onProgress;
  }

  /**
   * Mounts the blob from another repository of the registry if that is allowed, or sends it.
   * @throws as `RegistryWriter.upload` does
   */
  async run(mountFrom: string | undefined): Promise<"mounted" | "sent"> {
    const upload = await this.#start(mountFrom);
    if (upload === undefined) return "mounted";
    await this.#send(upload);
    return "sent";
  }

  async #send(begun: Upload): Promise<void> {
    const { sizeBytes } = this.#blob;
    const canBeCut = sizeBytes > this.#sizes.pieceBytes;
    let upload = begun;
    let pieceBytes = Infinity;
    let best = 0;
    try {
      for (let fruitless = 0; ;) {
        try {
          await this.#transfer(upload, pieceBytes);
          this.#onProgress(sizeBytes);
          return;
        } catch (error) {
          this.#session.http.signal?.throwIfAborted();
          const isTooLong = error instanceof SourceError && error.code === "push/too-large";
          if (isTooLong && pieceBytes === Infinity && canBeCut) {
            pieceBytes = this.#sizes.pieceBytes;
            await this.#cancel(upload.location);
            upload = await this.#startAnew();
            continue;
          }
          if (!isTransient(error)) throw error;
          const reached = await this.#reached(upload);
          fruitless = (reached ?? 0) > best ? 0 : fruitless + 1;
          best = Math.max(best, reached ?? 0);
          if (fruitless >= fruitlessAttempts) throw error;
          if (fruitless >= attemptsUntilPieces && canBeCut) pieceBytes = this.#sizes.pieceBytes;
          await this.#session.http.pause(Math.max(1, fruitless));
          if (reached === undefined) upload = await this.#startAnew();
        }
      }
    } catch (error) {
      await this.#cancel(upload.location);
      throw error;
    }
  }

  /** Begins an upload; undefined where mounting made it needless. */
  async #start(mountFrom: string | undefined): Promise<Upload | undefined> {
    const query =
      mountFrom === undefined
        ? ""
        : `?${new URLSearchParams({ mount: this.#blob.digest, from: mountFrom }).toString()}`;
    const answered = await this.#session.send(`blobs/uploads/${query}`, {
      method: "POST",
      headers: { "content-length": "0" },
      // One that was begun and forgotten is swept by the registry.
      isRepeatable: true,
      what: this.#blob.what,
    });
    const { status } = answered.response;
    if (status === 201 && mountFrom !== undefined) {
      await drop(answered.response);
      return undefined;
    }
    // Some registries refuse to mount where they should go on as if it had not been asked for.
    if (status >= 400 && status !== 401 && mountFrom !== undefined) {
      await drop(answered.response);
      return this.#start(undefined);
    }
    if (status !== 202) throw await pushError(answered);
    const least = Number(headerOf(answered, "oci-chunk-min-length"));
    return {
      location: await locationOf(answered),
      done: 0,
      leastBytes: Number.isSafeInteger(least) ? least : 0,
    };
  }

  async #startAnew(): Promise<Upload> {
    return (await this.#start(undefined)) as Upload;
  }

  /** Sends what is missing, and ends the upload. */
  async #transfer(upload: Upload, pieceBytes: number): Promise<void> {
    const { sizeBytes } = this.#blob;
    if (sizeBytes <= this.#sizes.monolithicBytes && upload.done === 0) {
      await this.#finish(upload, 0);
      return;
    }
    while (upload.done < sizeBytes) {
      const from = upload.done;
      const to = Math.min(sizeBytes, from + Math.max(pieceBytes, upload.leastBytes));
      const isWhole = from === 0 && to === sizeBytes;
      const answered = await this.#session.send(upload.location, {
        method: "PATCH",
        headers: {
          "content-type": "application/octet-stream",
          "content-length": String(to - from),
          // A single piece needs none, and some registries know none.
          ...(isWhole ? {} : { "content-range": `${from}-${to - 1}` }),
        },
        body: () => counted(this.#blob.read(from, to), from, this.#onProgress),
        what: this.#blob.what,
      });
      if (![201, 202, 204].includes(answered.response.status)) throw await transferError(answered);
      upload.location = await locationOf(answered, upload.location);
      upload.done = endOf(answered) ?? to;
      if (upload.done <= from || upload.done > sizeBytes) throw await pushError(answered);
    }
    await this.#finish(upload, sizeBytes);
  }

  /** Closes the upload, with the bytes from an offset on. */
  async #finish(upload: Upload, from: number): Promise<void> {
    const blob = this.#blob;
    const location = new URL(upload.location);
    location.searchParams.set("digest", blob.digest);
    const answered = await this.#session.send(location, {
      method: "PUT",
      headers: {
        "content-length": String(blob.sizeBytes - from),
        ...(from < blob.sizeBytes ? { "content-type": "application/octet-stream" } : {}),
      },
      ...(from < blob.sizeBytes ? { body: () => blob.read(from, blob.sizeBytes) } : {}),
      what: this.#blob.what,
    });
    if (![201, 204].includes(answered.response.status)) throw await transferError(answered);
    await drop(answered.response);
  }

  /** How far the registry has got with an upload, which is then gone on with there; undefined when it has forgotten it. */
  async #reached(upload: Upload): Promise<number | undefined> {
    let answered: Answered;
    try {
      answered = await this.#session.send(upload.location, { what: this.#blob.what });
    } catch (error) {
      if (!isTransient(error)) throw error;
      return undefined;
    }
    await drop(answered.response);
    if (answered.response.status !== 204) return undefined;
    upload.location = await locationOf(answered, upload.location);
    upload.done = endOf(answered) ?? 0;
    return upload.done <= this.#blob.sizeBytes ? upload.done : undefined;
  }

  /** Tells the registry to forget an upload. It does so by itself in the end, so failing at it harms nobody. */
  async #cancel(location: URL): Promise<void> {
    try {
      const { response } = await this.#session.send(location, {
        method: "DELETE",
        what: "an upload",
        signal: AbortSignal.timeout(5000),
      });
      await drop(response);
    } catch {
      // See above.
    }
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  from: number,
  onProgress: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = from;
  for await (const chunk of chunks) {
    yield chunk;
    done += chunk.length;
    onProgress(done);
  }
}

/** A registry that has lost an upload, or has got to another place in it, can be asked where it is. */
async function transferError(answered: Answered): Promise<SourceError> {
  const { request, response } = answered;
  if (![404, 416].includes(response.status)) return pushError(answered);
  const { message } = await pushError(answered);
  return new SourceError(
    "source/registry-failed",
    `${response.url.host} has lost the upload of ${request.what}: ${message}`,
    { hint: "the registry has a problem: try again later" },
  );
}

/** Failures that may go away: what `HttpClient.send` throws of connections and of statuses that mean "later". */
function isTransient(error: unknown): boolean {
  return (
    error instanceof SourceError &&
    ["source/unreachable", "source/rate-limited", "source/registry-failed"].includes(error.code)
  );
}

/** Where an upload goes on. */
async function locationOf(answered: Answered, before?: URL): Promise<URL> {
  const location = headerOf(answered, "location");
  const { url } = answered.response;
  if (location === undefined && before !== undefined) {
    await drop(answered.response);
    return before;
  }
  const next = URL.canParse(location ?? "", url.href) ? new URL(location ?? "", url) : undefined;
  const isSafe =
    next?.protocol === "https:" || (next?.protocol === "http:" && url.protocol === "http:");
  if (location === undefined || next === undefined || !isSafe) {
    const error = await pushError(answered);
    throw new SourceError(
      "push/refused",
      `${error.message}: it sends to ${JSON.stringify(location ?? "")} for the upload`,
      { hint: "the registry is set up wrongly, or somebody is in between" },
    );
  }
  await drop(answered.response);
  return next;
}

/** The bytes that a registry says it has: `Range: 0-N`, where N is the last of them. */
function endOf(answered: Answered): number | undefined {
  const range = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(answered, "range") ?? "");
  // Nothing at all can't be said: docker-registry writes 0-0 for it, which is also what one byte looks like.
  return range === null ? undefined : range[1] === "0" ? 0 : Number(range[1]) + 1;
}

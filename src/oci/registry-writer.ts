// Writing to one repository of a registry (OCI distribution specification 1.1, "Pushing").

import { sha256Of, type Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import { drop } from "./http.ts";
import { pushError } from "./push-errors.ts";
import type { Reference } from "./reference.ts";
import { RegistrySession, type Answered, type SessionOptions } from "./registry-session.ts";

/** Bytes that can be read as often as it takes, from any place on. */
export interface UploadBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** For messages. */
  readonly what: string;
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface WriterOptions extends SessionOptions {
  /** Up to this size a blob goes in one request together with its end: 1 MiB. */
  readonly monolithicBytes?: number | undefined;
  /** The size of pieces for registries that don't take a whole blob in one request: 8 MiB. */
  readonly pieceBytes?: number | undefined;
}

export type UploadResult = "existed" | "mounted" | "sent";

/** How often an upload is gone on with that brings nothing. */
const fruitlessAttempts = 4;
/** So many in a row, and the blob goes in pieces: a proxy may cut what is too long for it without a word. */
const attemptsUntilPieces = 2;

export class RegistryWriter {
  /** `registry/repository`, for messages. */
  readonly name: string;
  readonly #session: RegistrySession;
  readonly #monolithicBytes: number;
  readonly #pieceBytes: number;

  constructor(reference: Pick<Reference, "registry" | "repository">, options: WriterOptions) {
    this.#session = new RegistrySession(reference, options, "pull,push");
    this.name = this.#session.name;
    this.#monolithicBytes = options.monolithicBytes ?? 1024 * 1024;
    this.#pieceBytes = options.pieceBytes ?? 8 * 1024 * 1024;
  }

  /** Whether the repository holds the blob. A registry that doesn't say holds it not. */
  async has({ digest, what }: Pick<UploadBlob, "digest" | "what">): Promise<boolean> {
    const { response } = await this.#session.send(`blobs/${digest}`, { method: "HEAD", what });
    await drop(response);
    return response.status === 200;
  }

  /**
   * Brings a blob into the repository, unless it is there. One that another repository of the registry holds may be
   * mounted from it. An upload that breaks is gone on with where the registry has got to, and one that is too long for
   * a request is sent in pieces. What is given up is cancelled, so that nothing half stays.
   * @param onProgress told how many bytes the registry has
   * @throws {SourceError} `push/…` when the registry doesn't take it, `source/unreachable` when it is gone
   */
  async upload(
    blob: UploadBlob,
    options: {
      readonly mountFrom?: string | undefined;
      readonly onProgress?: ((bytes: number) => void) | undefined;
    } = {},
  ): Promise<UploadResult> {
    if (await this.has(blob)) return "existed";
    let upload = await this.#start(blob, options.mountFrom);
    if (upload === undefined) return "mounted";
    const onProgress = options.onProgress ?? (() => {});
    let pieceBytes = Infinity;
    let best = 0;
    try {
      for (let fruitless = 0; ;) {
        try {
          await this.#transfer(blob, upload, pieceBytes, onProgress);
          onProgress(blob.sizeBytes);
          return "sent";
        } catch (error) {
          this.#session.http.signal?.throwIfAborted();
          const isTooLong = error instanceof SourceError && error.code === "push/too-large";
          if (isTooLong && pieceBytes === Infinity && blob.sizeBytes > this.#pieceBytes) {
            pieceBytes = this.#pieceBytes;
            await this.#cancel(upload.location);
            upload = await this.#startAnew(blob);
            continue;
          }
          if (!isTransient(error)) throw error;
          const reached = await this.#reached(blob, upload);
          fruitless = (reached ?? 0) > best ? 0 : fruitless + 1;
          best = Math.max(best, reached ?? 0);
          if (fruitless >= fruitlessAttempts) throw error;
          if (fruitless >= attemptsUntilPieces && blob.sizeBytes > this.#pieceBytes) {
            pieceBytes = this.#pieceBytes;
          }
          await this.#session.http.pause(Math.max(1, fruitless));
          if (reached === undefined) upload = await this.#startAnew(blob);
        }
      }
    } catch (error) {
      await this.#cancel(upload.location);
      throw error;
    }
  }

  /**
   * Puts a manifest under a tag, or under its digest; from then on readers see the image.
   * @returns its digest
   * @throws {SourceError} as `upload`, and `push/digest` when the registry understood something else
   */
  async putManifest(
    tag: string | undefined,
    manifest: { readonly bytes: Buffer; readonly mediaType: string },
  ): Promise<Digest> {
    const digest = sha256Of(manifest.bytes);
    const what = `the manifest of ${this.name}${tag === undefined ? `@${digest}` : `:${tag}`}`;
    const answered = await this.#session.send(`manifests/${tag ?? digest}`, {
      method: "PUT",
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
      isRepeatable: true,
      what,
    });
    if (answered.response.status !== 201) throw await pushError(answered);
    const stated = text(answered, "docker-content-digest");
    await drop(answered.response);
    if (stated !== undefined && stated !== digest && stated.startsWith("sha256:")) {
      throw new SourceError(
        "push/digest",
        `${this.name} says that it took ${stated} for what has the digest ${digest}`,
        { hint: "the registry is faulty, or somebody is in between" },
      );
    }
    return digest;
  }

  /** Begins an upload; undefined where mounting made it needless. */
  async #start(blob: UploadBlob, mountFrom: string | undefined): Promise<Upload | undefined> {
    const query =
      mountFrom === undefined
        ? ""
        : `?${new URLSearchParams({ mount: blob.digest, from: mountFrom }).toString()}`;
    const answered = await this.#session.send(`blobs/uploads/${query}`, {
      method: "POST",
      headers: { "content-length": "0" },
      // One that was begun and forgotten is swept by the registry.
      isRepeatable: true,
      what: blob.what,
    });
    const { status } = answered.response;
    if (status === 201 && mountFrom !== undefined) {
      await drop(answered.response);
      return undefined;
    }
    // Some registries refuse to mount where they should go on as if it had not been asked for.
    if (status >= 400 && status !== 401 && mountFrom !== undefined) {
      await drop(answered.response);
      return this.#start(blob, undefined);
    }
    if (status !== 202) throw await pushError(answered);
    const least = Number(text(answered, "oci-chunk-min-length"));
    return {
      location: await locationOf(answered),
      done: 0,
      leastBytes: Number.isSafeInteger(least) ? least : 0,
    };
  }

  async #startAnew(blob: UploadBlob): Promise<Upload> {
    return (await this.#start(blob, undefined)) as Upload;
  }

  /** Sends what is missing, and ends the upload. */
  async #transfer(
    blob: UploadBlob,
    upload: Upload,
    pieceBytes: number,
    onProgress: (bytes: number) => void,
  ): Promise<void> {
    const { sizeBytes } = blob;
    if (sizeBytes <= this.#monolithicBytes && upload.done === 0) {
      await this.#finish(blob, upload, 0);
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
        body: () => counted(blob.read(from, to), from, onProgress),
        what: blob.what,
      });
      if (![201, 202, 204].includes(answered.response.status)) throw await transferError(answered);
      upload.location = await locationOf(answered, upload.location);
      upload.done = endOf(answered) ?? to;
      if (upload.done <= from || upload.done > sizeBytes) throw await pushError(answered);
    }
    await this.#finish(blob, upload, sizeBytes);
  }

  /** Closes the upload, with the bytes from an offset on. */
  async #finish(blob: UploadBlob, upload: Upload, from: number): Promise<void> {
    const location = new URL(upload.location);
    location.searchParams.set("digest", blob.digest);
    const answered = await this.#session.send(location, {
      method: "PUT",
      headers: {
        "content-length": String(blob.sizeBytes - from),
        ...(from < blob.sizeBytes ? { "content-type": "application/octet-stream" } : {}),
      },
      ...(from < blob.sizeBytes ? { body: () => blob.read(from, blob.sizeBytes) } : {}),
      what: blob.what,
    });
    if (![201, 204].includes(answered.response.status)) throw await transferError(answered);
    await drop(answered.response);
  }

  /** How far the registry has got with an upload, which is then gone on with there; undefined when it has forgotten it. */
  async #reached(blob: UploadBlob, upload: Upload): Promise<number | undefined> {
    let answered: Answered;
    try {
      answered = await this.#session.send(upload.location, { what: blob.what });
    } catch (error) {
      if (!isTransient(error)) throw error;
      return undefined;
    }
    await drop(answered.response);
    if (answered.response.status !== 204) return undefined;
    upload.location = await locationOf(answered, upload.location);
    upload.done = endOf(answered) ?? 0;
    return upload.done <= blob.sizeBytes ? upload.done : undefined;
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

interface Upload {
  location: URL;
  /** Bytes that the registry has. */
  done: number;
  /** What a piece must have at least, the last one aside. */
  readonly leastBytes: number;
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

function text({ response }: Answered, header: string): string | undefined {
  const value = response.headers[header];
  return Array.isArray(value) ? value[0] : value;
}

/** Where an upload goes on. */
async function locationOf(answered: Answered, before?: URL): Promise<URL> {
  const location = text(answered, "location");
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
  const range = /^(?:bytes=)?0-(\d+)$/.exec(text(answered, "range") ?? "");
  // Nothing at all can't be said: docker-registry writes 0-0 for it, which is also what one byte looks like.
  return range === null ? undefined : range[1] === "0" ? 0 : Number(range[1]) + 1;
}

/** A blob of a few bytes. */
export function smallBlob(bytes: Buffer, what: string): UploadBlob {
  return {
    digest: sha256Of(bytes),
    sizeBytes: bytes.length,
    what,
    // eslint-disable-next-line @typescript-eslint/require-await
    async *read(from, to) {
      yield bytes.subarray(from, to);
    },
  };
}

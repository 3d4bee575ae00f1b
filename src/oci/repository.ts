// One repository of a registry, spoken to as the OCI distribution specification has it.

import { checkDigest, isDigest, sha256Of, type Digest } from "../cache/digest.ts";
import { SourceError, TsbuildError } from "../model/error.ts";
import { connectionError, isWorthRetrying, statusError } from "./http-errors.ts";
import { readShort, drop, type HttpRequest, type HttpResponse } from "./http.ts";
import { badDocument, maxDocumentBytes, type Descriptor } from "./manifest.ts";
import { manifestTypes } from "./media-types.ts";
import type { Reference } from "./reference.ts";
import { RegistrySession, type SessionOptions } from "./registry-session.ts";

export type RepositoryOptions = SessionOptions;

export interface FetchedManifest {
  readonly bytes: Buffer;
  /** What the registry says that it is; not to be believed over the text itself. */
  readonly mediaType: string | undefined;
  readonly digest: Digest;
}

/** What an image is read through: one repository, or one and its mirrors. */
export interface RepositoryReader {
  manifest(tagOrDigest: string): Promise<FetchedManifest>;
  digestOf(tag: string): Promise<Digest | undefined>;
  document(descriptor: Descriptor, what: string): Promise<Buffer>;
  blob(
    descriptor: Descriptor,
    what: string,
    signal?: AbortSignal,
    from?: number,
  ): AsyncIterable<Uint8Array>;
  /** Says that what came was wrong: where there is another place, it is asked from now on. */
  distrust?(): void;
}

export class Repository implements RepositoryReader {
  /** `registry/repository`, for messages. */
  readonly name: string;
  readonly #session: RegistrySession;

  constructor(reference: Pick<Reference, "registry" | "repository">, options: RepositoryOptions) {
    this.#session = new RegistrySession(reference, options, "pull");
    this.name = this.#session.name;
  }

  /**
   * The manifest or index of a tag or digest, checked against the digest.
   * @throws {SourceError} when it can't be had
   * @throws {FormatError} `source/digest-mismatch`
   */
  manifest(tagOrDigest: string): Promise<FetchedManifest> {
    return onceMore(() => this.#manifest(tagOrDigest));
  }

  async #manifest(tagOrDigest: string): Promise<FetchedManifest> {
    const { bytes, response } = await this.#short(`manifests/${tagOrDigest}`, {
      what: this.#nameOf(tagOrDigest),
      headers: { accept: manifestTypes.join(", ") },
    });
    const stated = single(response.headers["docker-content-digest"]);
    const expected = isDigest(tagOrDigest) ? tagOrDigest : stated;
    if (isDigest(expected)) checkDigest(bytes, expected, this.#nameOf(tagOrDigest));
    return {
      bytes,
      mediaType: single(response.headers["content-type"])?.split(";")[0]?.trim(),
      digest: isDigest(expected) ? expected : sha256Of(bytes),
    };
  }

  /**
   * The digest that a tag stands for now, or undefined where the registry doesn't say without sending the manifest.
   * Docker Hub doesn't count this as a pull.
   * @throws {SourceError} as `manifest` does, 404 included
   */
  async digestOf(tag: string): Promise<Digest | undefined> {
    const { request, response } = await this.#session.send(`manifests/${tag}`, {
      what: this.#nameOf(tag),
      method: "HEAD",
      headers: { accept: manifestTypes.join(", ") },
    });
    await drop(response);
    if ([401, 403, 404].includes(response.status)) throw await statusError(request, response);
    const digest = single(response.headers["docker-content-digest"]);
    return response.status === 200 && isDigest(digest) ? digest : undefined;
  }

  /** A small blob, a configuration say, checked. Errors as `blob`, and `source/bad-manifest` if it is not small. */
  async document(descriptor: Descriptor, what: string): Promise<Buffer> {
    if (descriptor.sizeBytes > maxDocumentBytes) {
      throw badDocument(what, `is larger than ${maxDocumentBytes} bytes`);
    }
    return onceMore(async () => {
      const parts: Uint8Array[] = [];
      for await (const part of this.blob(descriptor, what)) parts.push(part);
      const bytes = Buffer.concat(parts);
      checkDigest(bytes, descriptor.digest, what);
      return bytes;
    });
  }

  /**
   * The bytes of a blob, from an offset on, as many as its descriptor says. A connection that breaks or stalls is made
   * again where it broke. The digest is for the caller to check.
   * @throws {SourceError} `source/unreachable` when several attempts in a row bring nothing, `source/blob-size`
   */
  async *blob(
    descriptor: Descriptor,
    what: string,
    signal: AbortSignal | undefined = this.#session.http.signal,
    from = 0,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let done = from;
    for (let attempt = 1; ; attempt++) {
      const before = done;
      const { request, response } = await this.#session.send(`blobs/${descriptor.digest}`, {
        what,
        signal,
        headers: done > 0 ? { range: `bytes=${done}-` } : {},
      });
      if (response.status === 416 && done > 0) {
        await drop(response);
        throw wrongSize(what, descriptor, `${done}`);
      }
      if (response.status !== 200 && response.status !== 206) {
        throw await statusError(request, response);
      }
      try {
        // A server that doesn't do ranges starts anew: what we have is passed over.
        let skip = done - startOf(response, done);
        if (skip < 0) throw await statusError(request, response);
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
          const part = skip > 0 ? chunk.subarray(skip) : chunk;
          skip -= chunk.length - part.length;
          if (part.length === 0) continue;
          done += part.length;
          if (done > descriptor.sizeBytes) throw wrongSize(what, descriptor, "more");
          yield part;
        }
        if (done === descriptor.sizeBytes) return;
        // An answer that ends early without a broken connection says that this is all.
        if (done === before) throw wrongSize(what, descriptor, `${done}`);
      } catch (error) {
        if (error instanceof SourceError) throw error;
        signal?.throwIfAborted();
        if (done === descriptor.sizeBytes) return;
        if (done > before) attempt = 0;
        if (attempt >= this.#session.http.attempts || !isWorthRetrying(error)) {
          throw connectionError(request, error);
        }
        await this.#session.http.pause(Math.max(1, attempt), signal, {
          why: connectionError(request, error).message,
        });
      }
    }
  }

  #nameOf(tagOrDigest: string): string {
    return `${this.name}${isDigest(tagOrDigest) ? "@" : ":"}${tagOrDigest}`;
  }

  /** A short answer, asked for again when it breaks off. */
  async #short(
    path: string,
    rest: Omit<HttpRequest, "url" | "authorization">,
  ): Promise<{ bytes: Buffer; response: HttpResponse }> {
    for (let attempt = 1; ; attempt++) {
      const { request, response } = await this.#session.send(path, rest);
      if (response.status !== 200) throw await statusError(request, response);
      try {
        return { bytes: await readShort(request, response, maxDocumentBytes), response };
      } catch (error) {
        if (error instanceof SourceError) throw error;
        this.#session.http.signal?.throwIfAborted();
        if (attempt >= this.#session.http.attempts || !isWorthRetrying(error)) {
          throw connectionError(request, error);
        }
        await this.#session.http.pause(attempt);
      }
    }
  }
}

/** Something may have damaged it on its way; the same twice is no accident. */
async function onceMore<Result>(get: () => Promise<Result>): Promise<Result> {
  try {
    return await get();
  } catch (error) {
    if (!(error instanceof TsbuildError && error.code === "source/digest-mismatch")) throw error;
    return get();
  }
}

/** Where in the blob an answer starts; where it was asked to, if it doesn't say. */
function startOf(response: HttpResponse, asked: number): number {
  if (response.status !== 206) return 0;
  const range = /^bytes (\d+)-/.exec(single(response.headers["content-range"]) ?? "");
  return range === null ? asked : Number(range[1]);
}

function wrongSize(what: string, descriptor: Descriptor, found: string): SourceError {
  return new SourceError(
    "source/blob-size",
    `the registry sends ${found} bytes of ${what} where the manifest says ${descriptor.sizeBytes}`,
    { hint: "the image is damaged in the registry: push it again, or ask its owner to" },
  );
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

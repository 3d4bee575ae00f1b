// Writing to one repository of a registry (OCI distribution specification 1.1, "Pushing").

import { sha256Of, type Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import { BlobUpload, type UploadSizes } from "./blob-upload.ts";
import { drop } from "./http.ts";
import { pushError } from "./push-errors.ts";
import type { Reference } from "./reference.ts";
import { headerOf, RegistrySession, type SessionOptions } from "./registry-session.ts";
import type { UploadBlob } from "./upload-blob.ts";

export interface WriterOptions extends SessionOptions {
  /** Up to this size a blob goes in one request together with its end: 1 MiB. */
  readonly monolithicBytes?: number | undefined;
  /** The size of pieces for registries that don't take a whole blob in one request: 8 MiB. */
  readonly pieceBytes?: number | undefined;
}

export type UploadResult = "existed" | "mounted" | "sent";

export class RegistryWriter {
  /** `registry/repository`, for messages. */
  readonly name: string;
  readonly #session: RegistrySession;
  readonly #sizes: UploadSizes;

  constructor(reference: Pick<Reference, "registry" | "repository">, options: WriterOptions) {
    this.#session = new RegistrySession(reference, options, "pull,push");
    this.name = this.#session.name;
    this.#sizes = {
      monolithicBytes: options.monolithicBytes ?? 1024 * 1024,
      pieceBytes: options.pieceBytes ?? 8 * 1024 * 1024,
    };
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
    const upload = new BlobUpload(this.#session, blob, this.#sizes, options.onProgress);
    return upload.run(options.mountFrom);
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
    const stated = headerOf(answered, "docker-content-digest");
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
}

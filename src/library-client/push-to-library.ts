// Pushing to a library server: what is above the image is made where it isn't there, the image is announced and sent, and
// then gets its tags.

import { createHash } from "node:crypto";
import type { Digest } from "../cache/digest.ts";
import { SourceError } from "../model/error.ts";
import { drop } from "../oci/http.ts";
import { pushError } from "../oci/push-errors.ts";
import type { UploadBlob } from "../oci/upload-blob.ts";
import { imageOf, type Answer, type LibraryClient, type LibraryImage } from "./library-client.ts";
import { containerPath, type LibraryReference } from "./library-reference.ts";

export interface LibraryPushOptions {
  /** In the words of Go. */
  readonly architecture: string;
  readonly description: string;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** Larger files go in parts: 64 MiB. */
  readonly multipartBytes?: number | undefined;
}

const multipartBytes = 64 * 1024 * 1024;

const failPush = (
  request: Parameters<typeof pushError>[0]["request"],
  response: Parameters<typeof pushError>[0]["response"],
) => pushError({ request, response });

/**
 * Pushes a SIF file.
 * @returns the digest of the file
 * @throws {SourceError} `push/login-needed` without a token; `push/…` when the server refuses
 */
export async function pushToLibrary(
  client: LibraryClient,
  reference: LibraryReference,
  blob: UploadBlob,
  options: LibraryPushOptions,
): Promise<Digest> {
  if (client.authorization === undefined) {
    throw new SourceError("push/login-needed", `${client.host} takes images only with a token`, {
      hint: "get one in the server's web pages and hand it to apptainer remote login, or set TSBUILD_LIBRARY_TOKEN",
    });
  }
  const push = new LibraryPush(client, reference, blob, options);
  await push.run();
  return blob.digest;
}

class LibraryPush {
  readonly #client: LibraryClient;
  readonly #reference: LibraryReference;
  readonly #blob: UploadBlob;
  readonly #options: LibraryPushOptions;
  readonly #what: string;

  constructor(
    client: LibraryClient,
    reference: LibraryReference,
    blob: UploadBlob,
    options: LibraryPushOptions,
  ) {
    this.#client = client;
    this.#reference = reference;
    this.#blob = blob;
    this.#options = options;
    this.#what = `${blob.what} as library://${containerPath(reference)}`;
  }

  async run(): Promise<void> {
    const { entity, collection, container, tags } = this.#reference;
    const entityId = await this.#ensure("entities", entity, { name: entity });
    const collectionId = await this.#ensure("collections", `${entity}/${collection}`, {
      name: collection,
      entity: entityId,
    });
    const path = containerPath(this.#reference);
    const containerId = await this.#ensure("containers", path, {
      name: container,
      collection: collectionId,
    });
    const image = await this.#announce(path, containerId);
    if (!image.isUploaded) await this.#send(image.id);
    for (const tag of tags) {
      await this.#ask(`v2/tags/${containerId}`, "POST", {
        Arch: this.#options.architecture,
        Tag: tag,
        ImageID: image.id,
      });
    }
  }

  /** The id of an entity, collection or container, which is made where there is none. */
  async #ensure(kind: string, path: string, wanted: Readonly<Record<string, string>>) {
    const found = await this.#ask(`v1/${kind}/${path}`, "GET");
    if (found.status !== 404) return idOf(found, this.#client.host);
    const made = await this.#ask(`v1/${kind}`, "POST", {
      ...wanted,
      description: this.#options.description,
    });
    return idOf(made, this.#client.host);
  }

  async #announce(path: string, containerId: string): Promise<LibraryImage> {
    const hash = this.#blob.digest.replace(":", ".");
    const { architecture, description } = this.#options;
    const found = await this.#client.image(path, hash, architecture, failPush);
    if (found !== undefined) return found;
    const made = await this.#ask("v1/images", "POST", {
      hash,
      description,
      container: containerId,
    });
    return {
      ...imageOf(made.data),
      id: idOf(made, this.#client.host),
      isUploaded: made.data["uploaded"] === true,
    };
  }

  async #send(id: string): Promise<void> {
    const { sizeBytes } = this.#blob;
    if (sizeBytes > (this.#options.multipartBytes ?? multipartBytes)) return this.#sendParts(id);
    const { sha256, md5 } = await this.#hashes(0, sizeBytes);
    const { data } = await this.#ask(`v2/imagefile/${id}`, "POST", {
      filesize: sizeBytes,
      sha256sum: sha256,
      md5sum: md5,
    });
    await this.#put(data["uploadURL"], 0, sizeBytes, {});
    await this.#ask(`v2/imagefile/${id}/_complete`, "PUT", {});
  }

  async #sendParts(id: string): Promise<void> {
    const { sizeBytes } = this.#blob;
    const { data } = await this.#ask(`v2/imagefile/${id}/_multipart`, "POST", {
      filesize: sizeBytes,
    });
    const { uploadID, totalParts, partSize } = data;
    const isSane =
      typeof uploadID === "string" &&
      Number.isSafeInteger(totalParts) &&
      Number.isSafeInteger(partSize) &&
      Number(partSize) > 0 &&
      Number(totalParts) === Math.ceil(sizeBytes / Number(partSize));
    if (!isSane) throw unexpected(this.#client.host, "how to send the parts of a file");
    try {
      const completedParts: { partNumber: number; token: string }[] = [];
      for (let partNumber = 1; partNumber <= Number(totalParts); partNumber++) {
        const from = (partNumber - 1) * Number(partSize);
        const to = Math.min(sizeBytes, from + Number(partSize));
        const { sha256 } = await this.#hashes(from, to);
        const part = await this.#ask(`v2/imagefile/${id}/_multipart`, "PUT", {
          partSize: to - from,
          uploadID,
          partNumber,
          sha256sum: sha256,
        });
        const token = await this.#put(part.data["presignedURL"], from, to, {
          "x-amz-content-sha256": sha256,
        });
        completedParts.push({ partNumber, token });
      }
      await this.#ask(`v2/imagefile/${id}/_multipart_complete`, "PUT", {
        uploadID,
        completedParts,
      });
    } catch (error) {
      await this.#ask(`v2/imagefile/${id}/_multipart_abort`, "PUT", { uploadID }).catch(
        () => undefined,
      );
      throw error;
    }
  }

  /** Sends a stretch of the file to where the server said. Gives what stands for it there. */
  async #put(
    address: unknown,
    from: number,
    to: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<string> {
    if (typeof address !== "string" || !URL.canParse(address)) {
      throw unexpected(this.#client.host, "where to send a file");
    }
    const { onProgress } = this.#options;
    const blob = this.#blob;
    const body = async function* () {
      let done = from;
      for await (const chunk of blob.read(from, to)) {
        yield chunk;
        onProgress?.((done += chunk.length));
      }
    };
    // The address itself is the right to write there; the token is not for storage.
    const request = {
      url: new URL(address),
      what: this.#what,
      method: "PUT",
      isRepeatable: true,
      headers: {
        ...headers,
        "content-length": String(to - from),
        "content-type": "application/octet-stream",
      },
      body,
    } as const;
    const response = await this.#client.http.send(request);
    if (response.status < 200 || response.status > 299)
      throw await pushError({ request, response });
    await drop(response);
    const { etag } = response.headers;
    return (Array.isArray(etag) ? etag[0] : etag) ?? "";
  }

  async #hashes(
    from: number,
    to: number,
  ): Promise<{ readonly sha256: string; readonly md5: string }> {
    const [sha256, md5] = [createHash("sha256"), createHash("md5")];
    for await (const chunk of this.#blob.read(from, to)) {
      sha256.update(chunk);
      md5.update(chunk);
    }
    return { sha256: sha256.digest("hex"), md5: md5.digest("hex") };
  }

  #ask(path: string, method: "GET" | "POST" | "PUT", json?: unknown): Promise<Answer> {
    const url = this.#client.url(path);
    return this.#client.ask(
      url,
      this.#what,
      { method, isRepeatable: method !== "POST", json },
      failPush,
    );
  }
}

function idOf({ status, data }: Answer, host: string): string {
  const { id } = data;
  if (status !== 404 && typeof id === "string" && id !== "") return id;
  throw unexpected(host, "what it made");
}

function unexpected(host: string, what: string): SourceError {
  return new SourceError("push/refused", `${host} doesn't say ${what}`, {
    hint: "it is no library server, or one of a version that is not known here: newer ones also take oras://",
  });
}

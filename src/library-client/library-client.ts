// The API of library servers, as their clients in Apptainer and SingularityCE (github.com/sylabs/scs-library-client) speak
// it. Every answer is `{"data": …}` or `{"error": {"code", "message"}}`.

import { SourceError } from "../model/error.ts";
import { statusError } from "../oci/http-errors.ts";
import { drop, readShort, type HttpClient, type HttpRequest } from "../oci/http.ts";
import type { LibraryServer } from "./library-server.ts";

/** An image as the server describes it. */
export interface LibraryImage {
  readonly id: string;
  /** `sha256.HEX`, or an older form that can't be checked. */
  readonly hash: string;
  readonly sizeBytes: number | undefined;
  readonly isUploaded: boolean;
}

/** Where the server keeps images as those of a registry. */
export interface RegistryTicket {
  readonly url: URL;
  readonly repository: string;
  readonly token: string | undefined;
}

export interface Answer {
  readonly status: number;
  /** The member `data`; empty where there is none. */
  readonly data: Readonly<Record<string, unknown>>;
}

const maxAnswerBytes = 4 * 1024 * 1024;

export class LibraryClient {
  readonly http: HttpClient;
  readonly #server: LibraryServer;

  constructor(http: HttpClient, server: LibraryServer) {
    this.http = http;
    this.#server = server;
  }

  get host(): string {
    return this.#server.base.host;
  }

  get authorization(): string | undefined {
    const { token } = this.#server;
    return token === undefined ? undefined : `Bearer ${token}`;
  }

  /** An address of the server. */
  url(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(path, this.#server.base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /**
   * Asks for JSON. A status of 404 is an answer.
   * @throws {SourceError} what `fail` makes of any other that is not a success
   */
  async ask(
    url: URL,
    what: string,
    given: Pick<HttpRequest, "method" | "isRepeatable"> & { readonly json?: unknown } = {},
    fail: typeof statusError = statusError,
  ): Promise<Answer> {
    const request: HttpRequest = {
      url,
      what,
      authorization: this.authorization,
      ...(given.method === undefined ? {} : { method: given.method }),
      ...(given.isRepeatable === undefined ? {} : { isRepeatable: given.isRepeatable }),
      ...(given.json === undefined
        ? {}
        : {
            body: JSON.stringify(given.json),
            headers: { "content-type": "application/json" },
          }),
    };
    const response = await this.http.send(request);
    if (response.status === 404) {
      await drop(response);
      return { status: 404, data: {} };
    }
    if (response.status < 200 || response.status > 299) throw await fail(request, response);
    const bytes = await readShort(request, response, maxAnswerBytes);
    return { status: response.status, data: dataOf(bytes, this.host) };
  }

  /** What the server says of an image; undefined where it has none of the name for the architecture. */
  async image(
    path: string,
    tag: string,
    architecture: string,
    fail?: typeof statusError,
  ): Promise<LibraryImage | undefined> {
    const url = this.url(`v1/images/${path}:${tag}`, { arch: architecture });
    const { status, data } = await this.ask(url, `library://${path}:${tag}`, {}, fail);
    return status === 404 ? undefined : imageOf(data);
  }

  /** Where newer servers keep the image in a registry of theirs; undefined on older ones. */
  async registryTicket(path: string): Promise<RegistryTicket | undefined> {
    const query = { namespace: path, mapped: "1", accessTypes: "pull" };
    const url = this.url("v1/oci-redirect", query);
    const response = await this.ask(url, `library://${path}`).catch((error: unknown) => {
      // A server that knows no such question may also say that it is a bad one.
      if (error instanceof SourceError && error.code === "source/registry-failed") return undefined;
      throw error;
    });
    const { url: address, name, token } = response?.data ?? {};
    if (typeof address !== "string" || !URL.canParse(address)) return undefined;
    return {
      url: new URL(address),
      repository: typeof name === "string" && name !== "" ? name : path,
      token: typeof token === "string" && token !== "" ? token : undefined,
    };
  }
}

/** An image object, with what is used of it. */
export function imageOf(data: Readonly<Record<string, unknown>>): LibraryImage {
  const { id, hash, size, uploaded } = data;
  return {
    id: typeof id === "string" ? id : "",
    hash: typeof hash === "string" ? hash : "",
    sizeBytes:
      typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? size : undefined,
    isUploaded: uploaded !== false,
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function dataOf(bytes: Buffer, host: string): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) return {};
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw new SourceError(
      "source/registry-failed",
      `${host} answers with something that is not JSON`,
      {
        hint: "it is no library server, or a proxy is in between: check the address",
        cause,
      },
    );
  }
  const data = isObject(json) && isObject(json["data"]) ? json["data"] : json;
  return isObject(data) ? data : {};
}

// Requests to one repository of a registry: where its API is, and the login that it wants. What is asked is the
// business of those who read (`repository.ts`) and write (`registry-writer.ts`).

import { Authorizer, type Credentials } from "./authorizer.ts";
import { isLoopback } from "./dispatchers.ts";
import { networkCode } from "./http-errors.ts";
import { drop, HttpClient, type HttpOptions, type HttpRequest, type HttpResponse } from "./http.ts";
import type { Reference } from "./reference.ts";

export interface SessionOptions extends HttpOptions {
  readonly credentials?: Credentials | undefined;
  /** Speak plain http. Loopback addresses are tried with http first in any case. */
  readonly noHttps?: boolean | undefined;
  /** Plain http, or a certificate that nobody vouches for, will do. */
  readonly isInsecure?: boolean | undefined;
}

export interface Answered {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
}

export class RegistrySession {
  /** `registry/repository`, for messages. */
  readonly name: string;
  readonly http: HttpClient;
  readonly #authorizer: Authorizer;
  readonly #reference: Pick<Reference, "registry" | "repository">;
  readonly #options: SessionOptions;
  #base: Promise<URL> | undefined;

  /** @param actions what is to be done there: `pull` or `pull,push` */
  constructor(
    reference: Pick<Reference, "registry" | "repository">,
    options: SessionOptions,
    actions: string,
  ) {
    const { registry, repository } = reference;
    this.name = `${registry}/${repository}`;
    this.#reference = reference;
    this.#options = options;
    this.http = new HttpClient(options);
    this.#authorizer = new Authorizer(
      this.http,
      registry,
      repository,
      actions,
      options.credentials,
    );
  }

  /**
   * A request with a login if the registry wants one.
   * @param to a path below the repository, or an address that the registry gave; one elsewhere never sees the login
   * @throws as `HttpClient.send` and `Authorizer.answer` do
   */
  async send(
    to: string | URL,
    rest: Omit<HttpRequest, "url" | "authorization">,
  ): Promise<Answered> {
    const base = await (this.#base ??= this.#findBase());
    const url =
      typeof to === "string" ? new URL(`/v2/${this.#reference.repository}/${to}`, base) : to;
    const isOurs = url.origin === base.origin;
    let authorization = isOurs ? this.#authorizer.header : undefined;
    // Once for a token that ran out, once for a registry that asks for more than the first time.
    for (let answers = 0; ; answers++) {
      const request = { ...rest, url, ...(authorization === undefined ? {} : { authorization }) };
      const response = await this.http.send(request);
      // An answer from elsewhere, a storage server say, is not the registry's word on our login.
      const isAsking = response.status === 401 && isOurs && response.url.origin === url.origin;
      if (!isAsking || answers >= 2) return { request, response };
      const header = await this.#authorizer.answer(
        url,
        response.headers["www-authenticate"],
        authorization,
      );
      if (header === undefined) return { request, response };
      await drop(response);
      authorization = header;
    }
  }

  /** Whether the registry's API is there and takes the login: a request for nothing. */
  async ping(): Promise<Answered> {
    const base = await (this.#base ??= this.#findBase());
    return this.send(new URL("/v2/", base), { what: this.#reference.registry });
  }

  /** Scheme and host of the registry's API. */
  async #findBase(): Promise<URL> {
    const { registry } = this.#reference;
    if (registry === "docker.io") return new URL("https://registry-1.docker.io/");
    const https = new URL(`https://${registry}/`);
    const http = new URL(`http://${registry}/`);
    if (this.#options.noHttps === true) return http;
    if (this.#options.isInsecure === true) {
      this.#options.dispatchers.allowInsecure(https);
      const answers = await this.#probe(https).then(drop, (error: unknown) => error);
      return answers === undefined ? https : http;
    }
    if (!isLoopback(https.hostname)) return https;
    // On this machine plain http is usual. A server that expects TLS answers 400, or closes the connection.
    try {
      const response = await this.#probe(http);
      await drop(response);
      return response.status === 400 ? https : http;
    } catch (error) {
      this.http.signal?.throwIfAborted();
      const code = networkCode((error as Error).cause) ?? "";
      return code === "UND_ERR_SOCKET" || code.startsWith("HPE_") ? https : http;
    }
  }

  #probe(base: URL): Promise<HttpResponse> {
    const once = new HttpClient({ ...this.#options, attempts: 1 });
    return once.send({ url: new URL("/v2/", base), what: this.name });
  }
}

/** A header of an answer; the first where there are several. */
export function headerOf({ response }: Answered, header: string): string | undefined {
  const value = response.headers[header];
  return Array.isArray(value) ? value[0] : value;
}

// Requests to registries: retries with patience, redirects that keep a login to themselves, limits on silence rather
// than on length. On undici's own request; the global fetch is another undici, and the two don't mix.

import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { SourceError } from "../model/error.ts";
import {
  attemptsWorthwhile,
  connectionError,
  isUnknownAuthority,
  isWorthRetrying,
  retryAfterMs,
  statusError,
} from "./http-errors.ts";
import type { Dispatchers } from "./dispatchers.ts";

/** How long servers that fail are put up with. */
export interface Patience {
  /** How often a request is tried in all: 5 times. */
  readonly attempts?: number | undefined;
  /** The first pause before trying again, half a second; it doubles each time. */
  readonly pauseMs?: number | undefined;
  /** A server that sends nothing for so long, half a minute, has gone away. */
  readonly stallMs?: number | undefined;
}

export interface HttpOptions extends Patience {
  readonly dispatchers: Dispatchers;
  readonly signal?: AbortSignal | undefined;
  /** Told that a request failed and will be made again, for people who wait. */
  readonly onRetry?: ((message: string) => void) | undefined;
}

export interface HttpRequest {
  readonly url: URL;
  /** GET where nothing is said. Only GET and HEAD are tried again, and what says that it may be. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | undefined;
  readonly isRepeatable?: boolean | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent to the origin of the URL alone, never on to where it redirects. */
  readonly authorization?: string | undefined;
  /** A function gives the bytes anew for each time that they are sent. */
  readonly body?: string | Buffer | (() => AsyncIterable<Uint8Array>) | undefined;
  /** For messages: what is fetched. */
  readonly what: string;
  /** Ends this request; the client's own where it is not given. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where the answer came from in the end. */
  readonly url: URL;
  readonly body: Dispatcher.ResponseData["body"];
}

const retriedStatuses = new Set([408, 425, 429, 499, 500, 502, 503, 504, 522]);
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 10;
const longestPauseMs = 20_000;
/** A server that asks for a longer pause is not waited for: the user should know. */
const longestRetryAfterMs = 120_000;

export class HttpClient {
  readonly attempts: number;
  readonly signal: AbortSignal | undefined;
  readonly #options: HttpOptions;
  /** Hosts that have answered before: they are worth more patience than those that may not be there at all. */
  readonly #answered = new Set<string>();

  constructor(options: HttpOptions) {
    this.#options = options;
    this.attempts = options.attempts ?? 5;
    this.signal = options.signal;
  }

  /**
   * The answer to a request, whatever its status but those that mean "later"; redirects are followed. The caller must
   * read the body, or `drop` it.
   * @throws {SourceError} `source/unreachable`, `source/rate-limited`, `source/registry-failed`
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const isRepeatable = request.isRepeatable ?? ["GET", "HEAD"].includes(request.method ?? "GET");
    const { host } = request.url;
    const signal = request.signal ?? this.signal;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      const isLast = !isRepeatable || attempt >= this.attempts;
      let response: HttpResponse;
      try {
        response = await this.#follow(request);
      } catch (error) {
        if (error instanceof SourceError) throw error;
        signal?.throwIfAborted();
        const enough =
          !isWorthRetrying(error) ||
          (!this.#answered.has(host) && attempt >= attemptsWorthwhile(error));
        if (isLast || enough) throw connectionError(request, error);
        await this.pause(attempt, signal, { why: connectionError(request, error).message });
        continue;
      }
      this.#answered.add(host);
      if (!retriedStatuses.has(response.status)) return response;
      const askedMs = retryAfterMs(response.headers["retry-after"]);
      const error = await statusError(request, response);
      if (isLast || (askedMs ?? 0) > longestRetryAfterMs) throw error;
      await this.pause(attempt, signal, { askedMs, why: error.message });
    }
  }

  /** Waits before the next attempt: longer each time, and not in step with other builds. */
  async pause(
    attempt: number,
    signal: AbortSignal | undefined = this.signal,
    told: { readonly askedMs?: number | undefined; readonly why?: string } = {},
  ): Promise<void> {
    const base = this.#options.pauseMs ?? 500;
    const growing = Math.min(longestPauseMs, base * 2 ** (attempt - 1));
    const ms = Math.max(told.askedMs ?? 0, growing * (0.75 + Math.random() / 2));
    if (told.why !== undefined) {
      this.#options.onRetry?.(`${told.why}; trying again in ${(ms / 1000).toFixed(1)} s`);
    }
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }

  /**
   * As `#request`, with a limit on the way to the server: a proxy may take a connection and never open it, and undici
   * looks at its signal only when it is connected.
   */
  async #guarded(
    url: URL,
    options: Omit<Dispatcher.RequestOptions, "origin" | "path">,
    signal: AbortSignal | undefined,
    stallMs: number,
  ): Promise<Dispatcher.ResponseData> {
    const { errors } = await import("undici");
    const late = new AbortController();
    const { connectMs } = this.#options.dispatchers;
    const timer = setTimeout(
      () => late.abort(new errors.HeadersTimeoutError()),
      connectMs + stallMs + 100,
    );
    const either = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    let isLeft = false;
    let stop: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      stop = () => {
        isLeft = true;
        reject(either.reason as Error);
      };
      either.addEventListener("abort", stop, { once: true });
    });
    const answer = this.#request(url, { ...options, signal: either });
    answer.then(
      ({ body }) => isLeft && body.destroy(),
      () => undefined,
    );
    try {
      return await Promise.race([answer, left]);
    } finally {
      clearTimeout(timer);
      if (stop !== undefined) either.removeEventListener("abort", stop);
    }
  }

  /** One request. A certificate that Node's own authorities don't vouch for is shown to those of the machine. */
  async #request(
    url: URL,
    options: Omit<Dispatcher.RequestOptions, "origin" | "path">,
  ): Promise<Dispatcher.ResponseData> {
    const { dispatchers } = this.#options;
    const { request, dispatcher, trustsSite } = await dispatchers.get(url);
    try {
      return await request(url, { ...options, dispatcher });
    } catch (error) {
      if (trustsSite || !isUnknownAuthority(error)) throw error;
      const again = await dispatchers.get(url, { trustSite: true });
      return await request(url, { ...options, dispatcher: again.dispatcher });
    }
  }

  async #follow(request: HttpRequest): Promise<HttpResponse> {
    const { stallMs = 30_000 } = this.#options;
    const { signal = this.signal } = request;
    let { url } = request;
    let method = request.method ?? "GET";
    for (let redirects = 0; ; redirects++) {
      const isAtHome = url.origin === request.url.origin;
      const options = {
        method,
        headersTimeout: stallMs,
        bodyTimeout: stallMs,
        headers: {
          "user-agent": "tsbuild",
          ...request.headers,
          ...(isAtHome && request.authorization !== undefined
            ? { authorization: request.authorization }
            : {}),
        },
        ...(request.body === undefined ? {} : { body: bodyOf(request.body) }),
      };
      const response = await this.#guarded(url, options, signal, stallMs);
      const { statusCode: status, headers, body } = response;
      const location = headers["location"];
      if (
        !redirectStatuses.has(status) ||
        typeof location !== "string" ||
        request.body !== undefined
      ) {
        return { status, headers, url, body };
      }
      await body.dump();
      if (redirects >= maxRedirects) {
        throw badRedirect(request, `it was redirected more than ${maxRedirects} times`);
      }
      url = redirected(request, url, location);
      if (status === 303 && method !== "HEAD") method = "GET";
    }
  }
}

function bodyOf(body: NonNullable<HttpRequest["body"]>): string | Buffer | Readable {
  return typeof body === "function" ? Readable.from(body(), { objectMode: false }) : body;
}

/** Reads away the rest of an answer, so that its connection can be used again. */
export async function drop(response: HttpResponse): Promise<void> {
  await response.body.dump({ limit: 128 * 1024 }).catch(() => undefined);
}

/**
 * The bytes of a short answer.
 * @throws {SourceError} `source/registry-failed` where it is longer
 */
export async function readShort(
  request: HttpRequest,
  response: HttpResponse,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > maxBytes) {
      throw new SourceError(
        "source/registry-failed",
        `the answer of ${response.url.host} to the request for ${request.what} is longer than ${maxBytes} bytes`,
        { hint: "the server is faulty, or it is no registry" },
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function redirected(request: HttpRequest, from: URL, location: string): URL {
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw badRedirect(request, `it was redirected to ${JSON.stringify(location)}`);
  }
  const isDowngrade = from.protocol === "https:" && to.protocol === "http:";
  if (isDowngrade || !["http:", "https:"].includes(to.protocol)) {
    throw badRedirect(request, `it was redirected from ${from.protocol}// to ${to.protocol}//`);
  }
  return to;
}

function badRedirect(request: HttpRequest, why: string): SourceError {
  return new SourceError("source/bad-redirect", `${request.what} can't be had: ${why}`, {
    hint: "the registry is set up wrongly, or somebody is in between",
  });
}

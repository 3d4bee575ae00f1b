import { SourceError } from "../model/error.ts";
import { connectionError, isWorthRetrying, statusError } from "./http-errors.ts";
import { drop, type HttpClient, type HttpRequest, type HttpResponse } from "./http.ts";

export interface DownloadOptions {
  /** Told how many bytes there are in all, once it is known. */
  readonly onTotal?: ((bytes: number) => void) | undefined;
  /** As many it must be, where somebody has said so. */
  readonly sizeBytes?: number | undefined;
}

/**
 * A file from a web server, in pieces. A connection that breaks or stalls is made again where it broke, as long as the
 * server has the same file (RFC 9110, 13.1.5 and 14: `If-Range`, `Range`).
 * @throws {SourceError} what `statusError` says of a refusal, `source/unreachable`, `source/changed-on-server`,
 *   `source/download-size`
 */
export async function* download(
  http: HttpClient,
  request: HttpRequest,
  options: DownloadOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  let total = options.sizeBytes;
  let validator: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const before = done;
    const response = await http.send({
      ...request,
      headers: {
        ...request.headers,
        // Compressed on the way, its bytes could not be counted.
        "accept-encoding": "identity",
        ...(done > 0 ? { range: `bytes=${done}-` } : {}),
        ...(done > 0 && validator !== undefined ? { "if-range": validator } : {}),
      },
    });
    if (response.status === 416 && done > 0) {
      await drop(response);
      throw changed(request);
    }
    if (response.status !== 200 && response.status !== 206) {
      throw await statusError(request, response);
    }
    const isWhole = response.status === 200;
    const found = totalOf(response);
    if (done > 0 && isWhole && validator !== undefined && validatorOf(response) !== validator) {
      await drop(response);
      throw changed(request);
    }
    if (found !== undefined && total !== undefined && found !== total) {
      await drop(response);
      throw done > 0 ? changed(request) : wrongSize(request, found, total);
    }
    total ??= found;
    validator ??= validatorOf(response);
    if (total !== undefined) options.onTotal?.(total);
    try {
      // A server that doesn't do ranges starts anew: what we have is passed over.
      let skip = isWhole ? done : 0;
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        const part = skip > 0 ? chunk.subarray(skip) : chunk;
        skip -= chunk.length - part.length;
        if (part.length === 0) continue;
        done += part.length;
        if (total !== undefined && done > total) throw wrongSize(request, done, total);
        yield part;
      }
      if (total === undefined || done === total) return;
      if (done === before) throw wrongSize(request, done, total);
    } catch (error) {
      if (error instanceof SourceError) throw error;
      (request.signal ?? http.signal)?.throwIfAborted();
      if (done > before) attempt = 0;
      if (attempt >= http.attempts || !isWorthRetrying(error)) {
        throw connectionError(request, error);
      }
      await http.pause(Math.max(1, attempt), request.signal ?? http.signal, {
        why: connectionError(request, error).message,
      });
    }
  }
}

function totalOf({ status, headers }: HttpResponse): number | undefined {
  const text =
    status === 206
      ? /\/(\d+)$/.exec(single(headers["content-range"]) ?? "")?.[1]
      : single(headers["content-length"]);
  const bytes = Number(text);
  return text !== undefined && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** What tells one version of a file from another: a strong tag, or else the time. */
function validatorOf({ headers }: HttpResponse): string | undefined {
  const tag = single(headers["etag"]);
  return tag !== undefined && !tag.startsWith("W/") ? tag : single(headers["last-modified"]);
}

const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function changed(request: HttpRequest): SourceError {
  return new SourceError(
    "source/changed-on-server",
    `${request.what} was changed on ${request.url.host} while it was fetched`,
    { hint: "fetch it again" },
  );
}

function wrongSize(request: HttpRequest, found: number, expected: number): SourceError {
  return new SourceError(
    "source/download-size",
    `${request.url.host} sends ${found} bytes of ${request.what}, which should have ${expected}`,
    { hint: "the file there is not whole: tell its owner" },
  );
}

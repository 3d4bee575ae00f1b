// A registry in this process that does what a test tells it to, and remembers what it was asked.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { ExecutionContext } from "ava";
import { listen } from "./loopback.ts";
import type { TestBlob } from "./oci-image.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** As text, and as it came. */
  readonly body: string;
  readonly bytes: Buffer;
}

/** Says that it has dealt with the request, or leaves it to the registry's usual answer. */
export type Rule = (
  request: Seen,
  response: ServerResponse,
  count: number,
) => boolean | Promise<boolean>;

export interface ScriptedRegistry {
  readonly host: string;
  readonly origin: string;
  readonly seen: Seen[];
  /** Asked before the usual answer; `count` is how often its path was asked for before. */
  rule: Rule;
  put(name: string, blobs: readonly TestBlob[], tags?: Readonly<Record<string, TestBlob>>): void;
}

/** Answers `/v2/NAME/manifests/…` and `/v2/NAME/blobs/…` with ranges; ends with the test. */
export async function scriptedRegistry(t: ExecutionContext): Promise<ScriptedRegistry> {
  const stored = new Map<string, TestBlob>();
  const counts = new Map<string, number>();
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { method = "", url = "", headers } = request;
      const bytes = Buffer.concat(parts);
      const one = { method, path: url, headers, body: bytes.toString(), bytes };
      seen.push(one);
      const count = counts.get(url) ?? 0;
      counts.set(url, count + 1);
      if (await registry.rule(one, response, count)) return;
      answer(one, response, stored.get(url));
    })();
  });
  const host = `127.0.0.1:${await listen(t, server)}`;
  const registry: ScriptedRegistry = {
    host,
    origin: `http://${host}`,
    seen,
    rule: () => false,
    put(name, blobs, tags = {}) {
      for (const blob of blobs) {
        stored.set(`/v2/${name}/blobs/${blob.digest}`, blob);
        stored.set(`/v2/${name}/manifests/${blob.digest}`, blob);
      }
      for (const [tag, blob] of Object.entries(tags)) {
        stored.set(`/v2/${name}/manifests/${tag}`, blob);
      }
    },
  };
  return registry;
}

function answer(request: Seen, response: ServerResponse, blob: TestBlob | undefined): void {
  if (request.path === "/v2/") {
    response.writeHead(200).end("{}");
    return;
  }
  if (blob === undefined) {
    sendError(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    return;
  }
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const from = start === undefined ? 0 : Number(start);
  if (start !== undefined && from >= blob.size) {
    response.writeHead(416).end();
    return;
  }
  response.writeHead(start === undefined ? 200 : 206, {
    "content-type": blob.mediaType,
    "docker-content-digest": blob.digest,
    "content-length": blob.size - from,
    ...(start === undefined
      ? {}
      : { "content-range": `bytes ${from}-${blob.size - 1}/${blob.size}` }),
  });
  response.end(request.method === "HEAD" ? undefined : blob.bytes.subarray(from));
}

/** An error as the distribution specification has it. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** Sends the start of a blob as if all of it came, and then breaks the connection. */
export function cutAfter(
  response: ServerResponse,
  blob: TestBlob,
  from: number,
  bytes: number,
): void {
  response.writeHead(from > 0 ? 206 : 200, {
    "content-length": blob.size - from,
    ...(from > 0 ? { "content-range": `bytes ${from}-${blob.size - 1}/${blob.size}` } : {}),
  });
  response.write(blob.bytes.subarray(from, from + bytes), () => {
    setTimeout(() => response.destroy(), 10);
  });
}

// The writing half of a registry for `scriptedRegistry`: uploads as the OCI distribution specification has them, kept in
// memory, with whatever failure a test wants.

import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { sendError, type Rule, type ScriptedRegistry, type Seen } from "./scripted-registry.ts";

export interface UploadDouble {
  /** Digest → bytes, of all repositories. */
  readonly blobs: Map<string, Buffer>;
  /** `NAME:TAG` → the manifest and its type. */
  readonly tags: Map<string, { readonly bytes: string; readonly mediaType: string }>;
  /** Uploads that were begun and neither ended nor cancelled. */
  readonly open: Map<string, Buffer>;
  /** What was asked, a word each: `POST`, `PATCH 0-9`, `PUT`, `GET`, `DELETE`, `HEAD`. */
  readonly log: string[];
  /** Deals with a request in the place of the usual answer. */
  fault: Rule;
}

/** Gives a registry the right to be written to. */
export function takeUploads(registry: ScriptedRegistry): UploadDouble {
  const double: UploadDouble = {
    blobs: new Map(),
    tags: new Map(),
    open: new Map(),
    log: [],
    fault: () => false,
  };
  let uploads = 0;
  const counts = new Map<string, number>();
  registry.rule = async (request, response) => {
    const url = new URL(request.path, registry.origin);
    const range = request.headers["content-range"];
    double.log.push(`${request.method}${range === undefined ? "" : ` ${range}`}`);
    const key = request.method;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    if (await double.fault(request, response, count)) return true;
    const start = /^\/v2\/(.+)\/blobs\/uploads\/$/.exec(url.pathname);
    if (start !== null && request.method === "POST") {
      const mounted = url.searchParams.get("mount") ?? "";
      if (double.blobs.has(mounted) && url.searchParams.get("from") === "team/other") {
        response.writeHead(201, { "docker-content-digest": mounted }).end();
        return true;
      }
      const id = `/v2/${start[1]}/blobs/uploads/${++uploads}`;
      double.open.set(id, Buffer.alloc(0));
      response.writeHead(202, { location: `${id}?state=a%2Fb` }).end();
      return true;
    }
    const soFar = double.open.get(url.pathname);
    if (/\/blobs\/uploads\/\d+$/.test(url.pathname)) {
      if (soFar === undefined) sendError(response, 404, "BLOB_UPLOAD_UNKNOWN", "upload unknown");
      else transfer(double, request, response, url, soFar);
      return true;
    }
    const blob = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(url.pathname)?.[1];
    if (blob !== undefined && request.method === "HEAD") {
      response.writeHead(double.blobs.has(blob) ? 200 : 404).end();
      return true;
    }
    const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname);
    if (manifest !== null && request.method === "PUT") {
      const { body } = request;
      double.tags.set(`${manifest[1]}:${manifest[2]}`, {
        bytes: body,
        mediaType: request.headers["content-type"] ?? "",
      });
      response.writeHead(201, { "docker-content-digest": digestOf(Buffer.from(body)) }).end();
      return true;
    }
    return false;
  };
  return double;
}

function transfer(
  double: UploadDouble,
  { method, bytes: sent, headers }: Seen,
  response: ServerResponse,
  url: URL,
  soFar: Buffer,
): void {
  const from = /^(\d+)-/.exec(headers["content-range"] ?? "0-")?.[1];
  const state = (bytes: Buffer) => ({
    location: `${url.pathname}?state=${bytes.length}`,
    range: `0-${Math.max(0, bytes.length - 1)}`,
  });
  if (method === "GET") {
    response.writeHead(204, state(soFar)).end();
    return;
  }
  if (method === "DELETE") {
    double.open.delete(url.pathname);
    response.writeHead(204).end();
    return;
  }
  if (method === "PATCH" && Number(from) !== soFar.length) {
    response.writeHead(416, state(soFar)).end();
    return;
  }
  const bytes = Buffer.concat([soFar, sent]);
  if (method === "PATCH") {
    double.open.set(url.pathname, bytes);
    response.writeHead(202, state(bytes)).end();
    return;
  }
  const digest = url.searchParams.get("digest") ?? "";
  if (digestOf(bytes) !== digest) {
    sendError(response, 400, "DIGEST_INVALID", "provided digest did not match uploaded content");
    return;
  }
  double.open.delete(url.pathname);
  double.blobs.set(digest, bytes);
  response.writeHead(201, { location: `/v2/x/blobs/${digest}` }).end();
}

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

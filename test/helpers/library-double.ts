// A library server in this process, made from what its client (github.com/sylabs/scs-library-client) asks and expects.

import { createHash } from "node:crypto";
import type { ExecutionContext } from "ava";
import { scriptedRegistry, type Rule, type ScriptedRegistry } from "./scripted-registry.ts";

interface Image {
  readonly id: string;
  readonly hash: string;
  bytes: Buffer;
  uploaded: boolean;
}

export interface LibraryDouble extends ScriptedRegistry {
  /** `entities/e`, `collections/e/c`, `containers/e/c/n` → id. */
  readonly things: Map<string, string>;
  readonly images: Map<string, Image>;
  /** `CONTAINER-ID ARCH TAG` → image id. */
  readonly tags: Map<string, string>;
  /** Uploads of several parts that were begun and neither ended nor given up. */
  readonly open: Set<string>;
  readonly partBytes: number;
  /** Deals with a request in the place of the usual answer. */
  fault: Rule;
  /** Puts an image there, as `e/c/n:tag` for an architecture. */
  add(path: string, tag: string, architecture: string, bytes: Buffer): void;
}

export const libraryToken = "the-token";

export async function libraryDouble(t: ExecutionContext): Promise<LibraryDouble> {
  const registry = await scriptedRegistry(t);
  const parts = new Map<string, Buffer[]>();
  let ids = 0;
  const newId = () => `id${++ids}`;
  const double: LibraryDouble = Object.assign(registry, {
    things: new Map(),
    images: new Map(),
    tags: new Map(),
    open: new Set<string>(),
    partBytes: 10,
    fault: () => false,
    add(path: string, tag: string, architecture: string, bytes: Buffer) {
      const [entity = "", collection = ""] = path.split("/");
      double.things.set(`entities/${entity}`, newId());
      double.things.set(`collections/${entity}/${collection}`, newId());
      const container = newId();
      double.things.set(`containers/${path}`, container);
      const image = { id: newId(), hash: hashOf(bytes), bytes, uploaded: true };
      double.images.set(image.id, image);
      double.tags.set(`${container} ${architecture} ${tag}`, image.id);
    },
  } satisfies Omit<LibraryDouble, keyof ScriptedRegistry>);

  const find = (reference: string, architecture: string): Image | undefined => {
    const [path = "", tag = ""] = reference.split(":");
    const container = double.things.get(`containers/${path}`);
    const id = double.tags.get(`${container} ${architecture} ${tag}`);
    return id === undefined
      ? [...double.images.values()].find(({ hash }) => hash === tag)
      : double.images.get(id);
  };

  registry.rule = async (request, response, count) => {
    if (await double.fault(request, response, count)) return true;
    const { method, body, bytes, headers } = request;
    const url = new URL(request.path, registry.origin);
    const path = url.pathname.slice(1);
    const send = (status: number, data: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(
        JSON.stringify(status < 400 ? { data } : { error: { code: status, message: data } }),
      );
      return true;
    };
    const json = () => JSON.parse(body) as Record<string, unknown>;

    if (path.startsWith("storage/")) {
      if (headers.authorization !== undefined) return send(400, "storage must not see the token");
      const [, id = "", number] = path.split("/");
      if (method === "GET") {
        response.writeHead(200).end(double.images.get(id)?.bytes);
        return true;
      }
      const image = double.images.get(id);
      if (image === undefined) return send(404, "no such place");
      if (number === undefined) image.bytes = bytes;
      else (parts.get(id) ?? [])[Number(number) - 1] = bytes;
      response.writeHead(200, { etag: `"part-${number}"` }).end();
      return true;
    }
    if (path === "assets/config/config.prod.json") {
      response.end(JSON.stringify({ libraryAPI: { uri: registry.origin } }));
      return true;
    }
    if (!["GET", "HEAD"].includes(method) && headers.authorization !== `Bearer ${libraryToken}`) {
      return send(401, "a token, please");
    }
    const imagefile = /^v1\/imagefile\/(.+)$/.exec(path)?.[1];
    if (imagefile !== undefined) {
      const image = find(imagefile, url.searchParams.get("arch") ?? "");
      if (image === undefined) return send(404, "no such image");
      response
        .writeHead(303, {
          location: `http://localhost:${new URL(registry.origin).port}/storage/${image.id}`,
        })
        .end();
      return true;
    }
    const images = /^v1\/images\/(.+)$/.exec(path)?.[1];
    if (images !== undefined && method === "GET") {
      const image = find(images, url.searchParams.get("arch") ?? "");
      if (image === undefined) return send(404, "no such image");
      const { id, hash, bytes, uploaded } = image;
      return send(200, { id, hash, size: bytes.length, uploaded });
    }
    if (path === "v1/images" && method === "POST") {
      const image = {
        id: newId(),
        hash: String(json()["hash"]),
        bytes: Buffer.alloc(0),
        uploaded: false,
      };
      double.images.set(image.id, image);
      return send(200, { id: image.id, hash: image.hash, uploaded: false });
    }
    const thing = /^v1\/((?:entities|collections|containers)\/.+)$/.exec(path)?.[1];
    if (thing !== undefined && method === "GET") {
      const id = double.things.get(thing);
      return id === undefined ? send(404, "no such thing") : send(200, { id });
    }
    const kind = /^v1\/(entities|collections|containers)$/.exec(path)?.[1];
    if (kind !== undefined && method === "POST") {
      const { name, entity, collection } = json();
      const above = [...double.things].find(([, id]) => id === (entity ?? collection))?.[0];
      const prefix = above === undefined ? "" : `${above.split("/").slice(1).join("/")}/`;
      const id = newId();
      double.things.set(`${kind}/${prefix}${String(name)}`, id);
      return send(200, { id });
    }
    const upload = /^v2\/imagefile\/(\w+?)(?:\/_(\w+))?$/.exec(path);
    const image = double.images.get(upload?.[1] ?? "");
    if (image !== undefined) {
      switch (upload?.[2]) {
        case undefined:
          if (json()["sha256sum"] === undefined) return send(400, "no sum");
          return send(200, {
            uploadURL: `http://localhost:${new URL(registry.origin).port}/storage/${image.id}`,
          });
        case "multipart":
          if (method === "POST") {
            const size = Number(json()["filesize"]);
            parts.set(image.id, []);
            double.open.add(image.id);
            return send(200, {
              uploadID: "u1",
              totalParts: Math.ceil(size / double.partBytes),
              partSize: double.partBytes,
            });
          }
          return send(200, {
            presignedURL: `http://localhost:${new URL(registry.origin).port}/storage/${image.id}/${String(json()["partNumber"])}`,
          });
        case "multipart_complete": {
          const completed = json()["completedParts"] as { partNumber: number; token: string }[];
          if (completed.some(({ partNumber, token }) => token !== `"part-${partNumber}"`))
            return send(400, "wrong parts");
          image.bytes = Buffer.concat(parts.get(image.id) ?? []);
          double.open.delete(image.id);
          break;
        }
        case "multipart_abort":
          double.open.delete(image.id);
          return send(200, {});
        default:
      }
      if (hashOf(image.bytes) !== image.hash) return send(400, "the sums differ");
      image.uploaded = true;
      return send(200, { quota: {}, containerUrl: "x" });
    }
    const tag = /^v2\/tags\/(\w+)$/.exec(path)?.[1];
    if (tag !== undefined && method === "POST") {
      const { Arch: architecture, Tag: name, ImageID: id } = json();
      double.tags.set(`${tag} ${String(architecture)} ${String(name)}`, String(id));
      return send(200, {});
    }
    if (path.startsWith("v1/oci-redirect")) return send(404, "not on this server");
    return false;
  };
  return double;
}

export const hashOf = (bytes: Buffer) =>
  `sha256.${createHash("sha256").update(bytes).digest("hex")}`;

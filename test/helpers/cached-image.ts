// An image in a real registry behind a proxy that counts, for what many builds do with one cache.

import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { faultProxy, type Answer, type FaultProxy, type Passing } from "./fault-proxy.ts";
import { image, layer, layoutFiles, writeFiles } from "./oci-image.ts";
import { startRegistry } from "./registry.ts";
import { scratch } from "./scratch.ts";
import { archive, entry } from "./tar.ts";

/** What the registry needs. */
export const cachedImageTools = ["docker-registry", "skopeo"];

// The first is long enough that some of it is on disk before all of it is there.
const layers = [1_600_000, 400_000, 400_000].map((bytes, at) =>
  layer(archive(entry({ name: `file-${at}` }, randomBytes(bytes).toString("hex"))), "gzip"),
);
const made = image(layers, { tag: "1" });

/** Words and environment of builds that come to the same bytes whoever does them, and don't take long. */
export const sameBytes = {
  words: ["build", "--jobs", "1", "--no-verify", "--compress", "none"],
  environment: { SOURCE_DATE_EPOCH: "1700000000" },
};

export interface CachedImage {
  readonly proxy: FaultProxy;
  /** `docker://…` */
  readonly reference: string;
  /** File names of its blobs in a cache. */
  readonly names: readonly string[];
  /** How often each manifest and blob was sent since the last time that `proxy.seen` was emptied. */
  readonly fetches: () => Record<string, number>;
  /** What `fetches` gives when nothing was sent twice. */
  readonly onceEach: Readonly<Record<string, number>>;
  /** Lets layers take some time, so that others come in between; and wait for something before. */
  readonly slowly: (ms: number, until?: () => boolean) => void;
}

/** @param address where the proxy listens: the loopback by default */
export async function cachedImage(t: ExecutionContext, address?: string): Promise<CachedImage> {
  const layout = join(await scratch(t), "layout");
  await writeFiles(layout, layoutFiles([made.manifest], made.blobs));
  const registry = await startRegistry(t);
  const [from, to] = [`oci:${layout}:1`, `docker://${registry.host}/x:1`];
  await execa("skopeo", ["copy", "-q", "--dest-tls-verify=false", "--preserve-digests", from, to]);
  const proxy = await faultProxy(t, registry, undefined, address);
  return {
    proxy,
    reference: `docker://${proxy.host}/x:1`,
    names: made.blobs.map(({ digest }) => digest.slice(7)).toSorted(),
    fetches() {
      const counts: Record<string, number> = {};
      for (const { method, path } of proxy.seen) {
        if (method === "GET" && path !== "/v2/") counts[path] = (counts[path] ?? 0) + 1;
      }
      return counts;
    },
    onceEach: Object.fromEntries([
      [`/v2/x/manifests/${made.manifest.digest}`, 1],
      ...[made.config, ...layers.map(({ blob }) => blob)].map(({ digest }) => [
        `/v2/x/blobs/${digest}`,
        1,
      ]),
    ]) as Record<string, number>,
    slowly(ms, until = () => true) {
      proxy.fault = ({ path, answer }: Passing, response) => {
        if (!path.includes("/blobs/") || answer.body.length < 100_000) return false;
        void (async () => {
          while (!until() && !response.destroyed) await sleep(50);
          await trickle(response, answer, ms);
        })();
        return true;
      };
    },
  };
}

async function trickle(response: ServerResponse, { status, headers, body }: Answer, ms: number) {
  response.writeHead(status, headers as Record<string, string>);
  const parts = 20;
  const bytes = Math.ceil(body.length / parts);
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes));
    await sleep(ms / parts);
  }
  response.end();
}

/** The SHA-256 of a file, in hex. */
export async function sha256OfFile(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

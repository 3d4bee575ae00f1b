// Many builds at once on one cache, as in a job array, against a real registry behind a proxy that counts.

import { createHash, randomBytes, randomInt } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { startTsbuild, tsbuild, type CliRun } from "../helpers/build.ts";
import { faultProxy, type Answer, type FaultProxy } from "../helpers/fault-proxy.ts";
import { image, layer, layoutFiles, writeFiles } from "../helpers/oci-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { archive, entry } from "../helpers/tar.ts";
import { isInstalled } from "../helpers/tool.ts";

const tools = ["docker-registry", "skopeo"];
const layers = [0, 1, 2].map((at) =>
  layer(archive(entry({ name: `file-${at}` }, randomBytes(400_000).toString("hex"))), "gzip"),
);
const made = image(layers, { tag: "1" });

interface Place {
  readonly proxy: FaultProxy;
  readonly folder: string;
  /** Starts a build of the image, with this cache. */
  readonly start: (name: string, more?: readonly string[]) => ReturnType<typeof startTsbuild>;
  /** What every image has to be. */
  readonly expected: string;
}

const digestOf = async (file: string) =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/** A registry with the image behind a proxy, and the image built from disk, without any of both. */
async function place(t: ExecutionContext): Promise<Place> {
  const folder = await scratch(t);
  const layout = join(folder, "layout");
  await writeFiles(layout, layoutFiles([made.manifest], made.blobs));
  const registry = await startRegistry(t);
  const [from, to] = [`oci:${layout}:1`, `docker://${registry.host}/x:1`];
  await execa("skopeo", ["copy", "-q", "--dest-tls-verify=false", "--preserve-digests", from, to]);
  const proxy = await faultProxy(t, registry);
  const env = { TSBUILD_CACHEDIR: join(folder, "cache"), SOURCE_DATE_EPOCH: "1700000000" };
  const words = ["build", "--jobs", "1", "--no-verify", "--compress", "none"];
  const start: Place["start"] = (name, more = []) =>
    startTsbuild([...words, ...more, name, `docker://${proxy.host}/x:1`], { cwd: folder, env });
  // The image keeps the text that it was built from, so that is the same for all.
  const expected = await start("expected.sif", ["--disable-cache"]);
  t.is(expected.exitCode, 0, expected.stderr);
  proxy.seen.length = 0;
  return { proxy, folder, start, expected: await digestOf(join(folder, "expected.sif")) };
}

/** How often each blob and manifest was sent. */
function fetches({ seen }: FaultProxy): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, path } of seen) {
    if (method === "GET" && path !== "/v2/") counts[path] = (counts[path] ?? 0) + 1;
  }
  return counts;
}

const onceEach = Object.fromEntries([
  [`/v2/x/manifests/${made.manifest.digest}`, 1],
  ...[made.config, ...layers.map(({ blob }) => blob)].map(({ digest }) => [
    `/v2/x/blobs/${digest}`,
    1,
  ]),
]) as Record<string, number>;

/** Lets layers come slowly, so that others come in between. */
function slowly(proxy: FaultProxy, ms: number): void {
  proxy.fault = ({ path, answer }, response) => {
    if (!path.includes("/blobs/") || answer.body.length < 100_000) return false;
    void trickle(response, answer, ms);
    return true;
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

const isRoot = process.getuid?.() === 0;
const cacheTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(`root, ${tools.join(", ")}`, isRoot && tools.every(isInstalled), title, body);

cacheTest("sixteen builds at once fetch each blob once, and all images are right", async (t) => {
  const { proxy, folder, start, expected } = await place(t);
  // No layer comes before all of them have asked what the tag stands for.
  const asked = () => proxy.seen.filter(({ method }) => method === "HEAD").length;
  proxy.fault = ({ path, answer }, response) => {
    if (!path.includes("/blobs/") || answer.body.length < 100_000) return false;
    const waiting = setInterval(() => {
      if (asked() < 16) return;
      clearInterval(waiting);
      void trickle(response, answer, 1000);
    }, 50);
    return true;
  };
  const builds = Array.from({ length: 16 }, (_, at) => start(`${at}.sif`));
  const runs = await Promise.all(builds);
  for (const [at, run] of runs.entries()) {
    t.is(run.exitCode, 0, run.stderr);
    t.is(await digestOf(join(folder, `${at}.sif`)), expected);
  }
  t.deepEqual(fetches(proxy), onceEach);
  const waited = runs.filter(({ stderr }) => stderr.includes("another build downloads"));
  t.true(waited.length >= 15, `${waited.length} builds waited for others`);
  // Nothing of the coordination stays behind.
  const cache = join(folder, "cache");
  t.deepEqual(await readdir(join(cache, "leases-v1")), []);
  t.deepEqual(await readdir(join(cache, "blobs-v1", "incoming")), []);
  t.deepEqual(
    (await readdir(join(cache, "blobs-v1", "sha256"))).toSorted(),
    made.blobs.map(({ digest }) => digest.slice(7)).toSorted(),
  );
});

cacheTest("builds that are killed at any moment leave a cache that is right", async (t) => {
  const { proxy, folder, start, expected } = await place(t);
  slowly(proxy, 1000);
  const env = { TSBUILD_CACHEDIR: join(folder, "cache") };
  const verify = (): Promise<CliRun> => tsbuild(["cache", "verify"], { cwd: folder, env });
  for (let round = 0; round < 2; round++) {
    const builds = Array.from({ length: 6 }, (_, at) => start(`${round}-${at}.sif`));
    // The first ones download, the others wait for them: both kinds are killed.
    const killed = builds.slice(0, 3).map(async (build) => {
      await sleep(randomInt(200, 2200));
      build.kill("SIGKILL");
    });
    const runs = await Promise.all(builds);
    await Promise.all(killed);
    for (const [at, run] of runs.entries()) {
      if (at < 3 && run.signal === "SIGKILL") continue;
      t.is(run.exitCode, 0, run.stderr);
      t.is(await digestOf(join(folder, `${round}-${at}.sif`)), expected);
    }
    const verified = await verify();
    t.is(verified.exitCode, 0, verified.stdout);
    if (round < 1)
      await tsbuild(["cache", "clean", "--force", "--type=blob,index"], { cwd: folder, env });
  }
  proxy.seen.length = 0;
  t.is((await start("after.sif")).exitCode, 0);
  t.is(await digestOf(join(folder, "after.sif")), expected);
  t.deepEqual(fetches(proxy), {});
});

cacheTest("a build whose downloader is killed goes on by itself", async (t) => {
  const { proxy, folder, start, expected } = await place(t);
  slowly(proxy, 4000);
  const first = start("first.sif");
  const claims = async () =>
    (await readdir(join(folder, "cache/blobs-v1/sha256")).catch(() => [])).filter((name) =>
      name.endsWith(".claim"),
    );
  while ((await claims()).length < 3) await sleep(50);
  const second = start("second.sif");
  await sleep(1500);
  first.kill("SIGKILL");
  slowly(proxy, 0);
  const run = await second;
  t.is(run.exitCode, 0, run.stderr);
  t.regex(run.stderr, /another build downloads/);
  t.is(await digestOf(join(folder, "second.sif")), expected);
  t.deepEqual(await claims(), []);
});

cacheTest("a full disk below the cache is told, and costs the other builds nothing", async (t) => {
  const { folder, start, expected } = await place(t);
  const cache = join(folder, "cache");
  await execa("mkdir", [cache]);
  await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "none", cache]);
  try {
    const run = await start("full.sif");
    t.is(run.exitCode, 6, run.stderr);
    t.regex(run.stderr, /cache\/write/);
    t.regex(run.stderr, /the disk or quota is full/);
    const without = await start("without.sif", ["--disable-cache"]);
    t.is(without.exitCode, 0, without.stderr);
    t.is(await digestOf(join(folder, "without.sif")), expected);
  } finally {
    await execa("umount", [cache]);
  }
});

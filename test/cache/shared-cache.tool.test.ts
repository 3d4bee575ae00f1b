// Many builds at once on one cache, as in a job array, against a real registry behind a proxy that counts.

import { randomInt } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { startTsbuild, tsbuild, type CliRun } from "../helpers/build.ts";
import {
  cachedImage,
  cachedImageTools,
  sameBytes,
  sha256OfFile,
  type CachedImage,
} from "../helpers/cached-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

interface Place extends CachedImage {
  readonly folder: string;
  /** Starts a build of the image, with this cache. */
  readonly start: (name: string, more?: readonly string[]) => ReturnType<typeof startTsbuild>;
  /** What every image has to be. */
  readonly expected: string;
}

/** A registry with the image behind a proxy, and the image built without the cache. */
async function place(t: ExecutionContext): Promise<Place> {
  const folder = await scratch(t);
  const cached = await cachedImage(t);
  const { words, environment } = sameBytes;
  const env = { TSBUILD_CACHEDIR: join(folder, "cache"), ...environment };
  const start: Place["start"] = (name, more = []) =>
    startTsbuild([...words, ...more, name, cached.reference], { cwd: folder, env });
  // The image keeps the text that it was built from, so that is the same for all.
  const expected = await start("expected.sif", ["--disable-cache"]);
  t.is(expected.exitCode, 0, expected.stderr);
  cached.proxy.seen.length = 0;
  return { ...cached, folder, start, expected: await sha256OfFile(join(folder, "expected.sif")) };
}

const isRoot = process.getuid?.() === 0;
const cacheTest = (title: string, body: (t: ExecutionContext) => unknown) =>
  serialHostTest(
    `root, ${cachedImageTools.join(", ")}`,
    isRoot && cachedImageTools.every(isInstalled),
    title,
    body,
  );

cacheTest("sixteen builds at once fetch each blob once, and all images are right", async (t) => {
  const { proxy, folder, start, expected, ...cached } = await place(t);
  // No layer comes before all of them have asked what the tag stands for.
  const asked = () => proxy.seen.filter(({ method }) => method === "HEAD").length;
  cached.slowly(1000, () => asked() >= 16);
  const builds = Array.from({ length: 16 }, (_, at) => start(`${at}.sif`));
  const runs = await Promise.all(builds);
  for (const [at, run] of runs.entries()) {
    t.is(run.exitCode, 0, run.stderr);
    t.is(await sha256OfFile(join(folder, `${at}.sif`)), expected);
  }
  t.deepEqual(cached.fetches(), cached.onceEach);
  const waited = runs.filter(({ stderr }) => stderr.includes("another build downloads"));
  t.true(waited.length >= 15, `${waited.length} builds waited for others`);
  // Nothing of the coordination stays behind.
  const cache = join(folder, "cache");
  t.deepEqual(await readdir(join(cache, "leases-v1")), []);
  t.deepEqual(await readdir(join(cache, "blobs-v1", "incoming")), []);
  t.deepEqual((await readdir(join(cache, "blobs-v1", "sha256"))).toSorted(), cached.names);
});

cacheTest("builds that are killed at any moment leave a cache that is right", async (t) => {
  const { proxy, folder, start, expected, slowly, fetches } = await place(t);
  slowly(1000);
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
      t.is(await sha256OfFile(join(folder, `${round}-${at}.sif`)), expected);
    }
    const verified = await verify();
    t.is(verified.exitCode, 0, verified.stdout);
    if (round < 1)
      await tsbuild(["cache", "clean", "--force", "--type=blob,index"], { cwd: folder, env });
  }
  proxy.seen.length = 0;
  t.is((await start("after.sif")).exitCode, 0);
  t.is(await sha256OfFile(join(folder, "after.sif")), expected);
  t.deepEqual(fetches(), {});
});

cacheTest("a build whose downloader is killed goes on by itself, where that one was", async (t) => {
  const { proxy, folder, start, expected, slowly } = await place(t);
  slowly(4000);
  const first = start("first.sif");
  const blobs = join(folder, "cache/blobs-v1");
  const claims = async () =>
    (await readdir(join(blobs, "sha256")).catch(() => [])).filter((name) =>
      name.endsWith(".claim"),
    );
  while ((await claims()).length < 3) await sleep(50);
  const second = start("second.sif");
  const written = async () => {
    const names = await readdir(join(blobs, "incoming")).catch(() => []);
    const sizes = names.map(async (name) => (await stat(join(blobs, "incoming", name))).size);
    return Math.max(0, ...(await Promise.all(sizes)));
  };
  while ((await written()) === 0) await sleep(50);
  first.kill("SIGKILL");
  slowly(0);
  const run = await second;
  t.is(run.exitCode, 0, run.stderr);
  t.regex(run.stderr, /another build downloads/);
  const ranges = proxy.seen.flatMap(({ headers: { range } }) =>
    range === undefined ? [] : [range],
  );
  t.is(ranges.length, 1);
  const [, from = ""] = /^bytes=(\d+)-$/.exec(String(ranges[0])) ?? [];
  t.true(Number(from) >= 1024 * 1024);
  t.true(run.stderr.includes(`after ${from} bytes that an earlier download has left`), run.stderr);
  t.is(await sha256OfFile(join(folder, "second.sif")), expected);
  t.deepEqual(await claims(), []);
  t.deepEqual(await readdir(join(blobs, "incoming")), []);
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
    t.is(await sha256OfFile(join(folder, "without.sif")), expected);
  } finally {
    await execa("umount", [cache]);
  }
});

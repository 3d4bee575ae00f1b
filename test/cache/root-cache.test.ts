// Roots that are kept unpacked: whole or not at all, made once, and only where they can be trusted.

import { appendFileSync, chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { cleanCache, trimCache } from "../../src/cache/clean-cache.ts";
import { listCache } from "../../src/cache/list-cache.ts";
import { RootCache, rootsOf, type KeptRoot, type RootWish } from "../../src/cache/root-cache.ts";
import { verifyCache } from "../../src/cache/verify-cache.ts";
import { scratch } from "../helpers/scratch.ts";

const kinds = ["root"] as const;

async function newCache(t: ExecutionContext): Promise<{ cache: RootCache; folder: string }> {
  const folder = join(await scratch(t), "cache");
  return { cache: new RootCache(folder), folder };
}

/** A wish for a root with one file. */
const wish = (identity: string, more: Partial<RootWish> = {}): RootWish => ({
  name: `base ${identity}`,
  identity: [identity],
  make: async (folder) => {
    mkdirSync(folder);
    mkdirSync(join(folder, "etc"));
    writeFileSync(join(folder, "etc/name"), identity);
    writeFileSync(join(folder, "odd"), "");
    return ({ size }) => size === 0n;
  },
  ...more,
});

async function made(cache: RootCache, identity: string): Promise<KeptRoot> {
  await cache.refusal();
  return cache.hold(wish(identity));
}

test("a root is made once, and found by what decides what it holds", async (t) => {
  const { cache, folder } = await newCache(t);
  t.is(await cache.refusal(), undefined);
  const first = await cache.hold(wish("a"));
  t.false(first.isOld);
  t.is(await readFile(join(first.folder, "etc/name"), "utf8"), "a");
  t.deepEqual(first.record.unheld, ["odd"]);
  const again = await new RootCache(folder).hold(
    wish("a", { make: () => Promise.reject(new Error("not again")) }),
  );
  t.true(again.isOld);
  t.is(again.folder, first.folder);
  const other = await cache.hold(wish("b"));
  t.not(other.folder, first.folder);
  t.deepEqual(await readdir(join(rootsOf(folder), "incoming")), []);
});

test("of two that want the same root at once one makes it", async (t) => {
  const { folder } = await newCache(t);
  let times = 0;
  let waited = 0;
  const slow = wish("slow", {
    make: async (place) => {
      times++;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return wish("slow").make(place);
    },
    onWait: () => waited++,
  });
  await new RootCache(folder).refusal();
  const [a, b] = await Promise.all([
    new RootCache(folder).hold(slow),
    new RootCache(folder).hold(slow),
  ]);
  t.is(times, 1);
  t.is(waited, 1);
  t.is(a?.folder, b?.folder);
});

test("what fails on the way leaves nothing, and the next one makes it", async (t) => {
  const { cache, folder } = await newCache(t);
  await cache.refusal();
  const failing = wish("a", {
    make: async (place) => {
      mkdirSync(place);
      writeFileSync(join(place, "half"), "half");
      throw new Error("the disk is full");
    },
  });
  await t.throwsAsync(cache.hold(failing), { message: "the disk is full" });
  t.deepEqual((await readdir(rootsOf(folder))).toSorted(), ["incoming"]);
  t.deepEqual(await readdir(join(rootsOf(folder), "incoming")), []);
  t.false((await cache.hold(wish("a"))).isOld);
});

test("a root without its record, or with another's, is made anew", async (t) => {
  for (const damage of ["", "{", '{"key": "other"}']) {
    const { cache } = await newCache(t);
    const first = await made(cache, "a");
    await first[Symbol.asyncDispose]();
    await writeFile(join(first.folder, "../root.json"), damage);
    const second = await cache.hold(wish("a"));
    t.false(second.isOld);
    t.is(await readFile(join(second.folder, "etc/name"), "utf8"), "a");
  }
});

test("nothing is kept where others may write", async (t) => {
  const { cache, folder } = await newCache(t);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  t.regex((await cache.refusal()) ?? "", /others may write to .*cache$/);
  chmodSync(folder, 0o755);
  t.is(await cache.refusal(), undefined);
  t.is(statSync(rootsOf(folder)).mode & 0o777, 0o700);
  chmodSync(rootsOf(folder), 0o770);
  t.regex((await cache.refusal()) ?? "", /others may write to .*roots-v1$/);
  t.regex((await new RootCache("/dev/null/cache").refusal()) ?? "", /ENOTDIR/);
});

test("roots are listed with their size, and as in use while they are held", async (t) => {
  const { cache, folder } = await newCache(t);
  const root = await made(cache, "a");
  const [entry] = await listCache(folder);
  t.like(entry, { kind: "root", name: "base a", isInUse: true, isForeign: false });
  t.true((entry?.sizeBytes ?? 0) >= 4096);
  const held = await cleanCache(folder, { kinds });
  t.deepEqual([held.removed.length, held.kept.length], [0, 1]);
  await root[Symbol.asyncDispose]();
  t.is((await cleanCache(folder, { kinds, isDryRun: true })).removed.length, 1);
  t.is((await cleanCache(folder, { kinds })).removed.length, 1);
  t.deepEqual(await readdir(rootsOf(folder)), ["incoming"]);
});

test("the root that was not used for longest goes first", async (t) => {
  const { cache, folder } = await newCache(t);
  const roots = [await made(cache, "a"), await made(cache, "b"), await made(cache, "c")];
  for (const [at, root] of roots.entries()) {
    await root[Symbol.asyncDispose]();
    const usedSeconds = Date.now() / 1000 - 1000 + at;
    await utimes(join(root.folder, "../root.json"), usedSeconds, usedSeconds);
  }
  await using _ = await made(cache, "a");
  const sizes = (await listCache(folder)).map(({ sizeBytes }) => sizeBytes);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  t.deepEqual(
    (await trimCache(folder, all - 1)).map(({ name }) => name),
    ["base b"],
  );
  t.deepEqual(
    (await trimCache(folder, 0)).map(({ name }) => name),
    ["base c"],
  );
});

test("a root that somebody has changed is found, and one that nobody has is left", async (t) => {
  const changes: Readonly<Record<string, (folder: string) => void>> = {
    "a file was written to": (folder) => appendFileSync(join(folder, "etc/name"), "x"),
    "a file came": (folder) => writeFileSync(join(folder, "new"), ""),
    "a mode was changed": (folder) => chmodSync(join(folder, "etc"), 0o700),
  };
  for (const [title, change] of Object.entries(changes)) {
    const { cache, folder } = await newCache(t);
    const root = await made(cache, "a");
    await root[Symbol.asyncDispose]();
    t.is((await verifyCache(folder)).damaged.length, 0, title);
    change(root.folder);
    t.is((await verifyCache(folder)).damaged.length, 1, title);
    t.deepEqual(await listCache(folder), [], title);
  }
});

test("a root of other user ids is left to who can remove it", async (t) => {
  const { cache, folder } = await newCache(t);
  const root = await made(cache, "a");
  await root[Symbol.asyncDispose]();
  const record = join(root.folder, "../root.json");
  const text = (await readFile(record, "utf8")).replace(
    /"ids":"[^"]*"/,
    '"ids":"0 5000 1, 0 5000 1"',
  );
  await writeFile(record, text);
  const isMachineRoot = process.geteuid?.() === 0;
  const { removed, kept } = await cleanCache(folder, { kinds });
  t.deepEqual([removed.length, kept.length], isMachineRoot ? [1, 0] : [0, 1]);
});

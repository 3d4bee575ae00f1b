// What runs look after themselves, and what `tsbuild cache` does.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { BlobCache } from "../../src/cache/blob-cache.ts";
import { leaseBlob, leasedBlobs } from "../../src/cache/cache-lease.ts";
import { cleanCache, trimCache } from "../../src/cache/clean-cache.ts";
import { listCache } from "../../src/cache/list-cache.ts";
import { TagMemory } from "../../src/cache/tag-memory.ts";
import { verifyCache } from "../../src/cache/verify-cache.ts";
import { ownIdentity } from "../../src/system/process-identity.ts";
import { checkout } from "../helpers/build.ts";
import { sha256 } from "../helpers/oci-image.ts";
import { eventually } from "../helpers/processes.ts";
import { scratch } from "../helpers/scratch.ts";

interface Filled {
  readonly folder: string;
  readonly cache: BlobCache;
  /** Of blobs of 1000 bytes, last used 5, 4, 3, 2 and 1 days ago. */
  readonly digests: readonly string[];
}

const dayMs = 86_400_000;
const indexOf = (folder: string, digest: string) =>
  join(folder, "layer-indexes-v1", "sha256", digest.slice(7));

async function filled(t: ExecutionContext): Promise<Filled> {
  const folder = await scratch(t);
  const cache = new BlobCache(folder);
  const digests: string[] = [];
  for (let at = 0; at < 5; at++) {
    const bytes = randomBytes(1000);
    const digest = sha256(bytes);
    const file = await cache.write(digest, "x", [bytes]);
    await setUse(file, 5 - at);
    digests.push(digest);
  }
  await mkdir(join(folder, "layer-indexes-v1", "sha256"), { recursive: true });
  await writeFile(indexOf(folder, digests[0] ?? ""), zstdCompressSync("{}"));
  await new TagMemory(folder).remember("docker.io/library/x:1", digests[0] ?? "");
  await writeFile(join(folder, "blobs-v1", "incoming", "part"), "half");
  return { folder, cache, digests };
}

async function setUse(file: string, daysAgo: number): Promise<void> {
  const { mtimeMs } = await stat(file);
  await utimes(file, (Date.now() - daysAgo * dayMs) / 1000, mtimeMs / 1000);
  // A blob can't have been used before it came.
  await utimes(
    file,
    (Date.now() - daysAgo * dayMs) / 1000,
    Math.floor(Date.now() / 1000 - 9 * 86_400),
  );
}

const kindsOf = (entries: readonly { readonly kind: string }[]) =>
  entries.map(({ kind }) => kind).toSorted();

const left = async ({ folder, digests }: Filled): Promise<number[]> => {
  const names = new Set((await listCache(folder)).map(({ kind, name }) => `${kind} ${name}`));
  return digests.flatMap((digest, at) => (names.has(`blob ${digest}`) ? [at] : []));
};

test("all that is in a cache is listed, with size and last use", async (t) => {
  const { folder, digests } = await filled(t);
  const entries = await listCache(folder);
  t.deepEqual(kindsOf(entries), ["blob", "blob", "blob", "blob", "blob", "index", "part", "tag"]);
  const first = entries.find(({ kind, name }) => kind === "blob" && name === digests[0]);
  t.is(first?.sizeBytes, 1000);
  t.true(Math.abs(Date.now() - 5 * dayMs - (first?.usedMs ?? 0)) < 60_000);
  t.is(entries.find(({ kind }) => kind === "tag")?.name, "docker.io/library/x:1");
  t.deepEqual(await listCache(join(folder, "nowhere")), []);
});

test("a use is noted, without the blob looking changed", async (t) => {
  const { folder, cache, digests } = await filled(t);
  const [oldest = ""] = digests;
  const before = await stat(cache.fileOf(oldest), { bigint: true });
  await cache.find(oldest, 1000);
  const after = await stat(cache.fileOf(oldest), { bigint: true });
  t.is(after.mtimeNs, before.mtimeNs);
  const entry = (await listCache(folder)).find(
    ({ kind, name }) => kind === "blob" && name === oldest,
  );
  t.true(Date.now() - (entry?.usedMs ?? 0) < 60_000);
});

test("a cache that is too large loses what was not used for longest, and what is known of it", async (t) => {
  const made = await filled(t);
  const { folder, cache, digests } = made;
  // The oldest is used once more.
  await cache.read(digests[0] ?? "", 1000);
  const size = (await stat(indexOf(folder, digests[0] ?? ""))).size;
  await trimCache(folder, 3000 + size);
  t.deepEqual(await left(made), [0, 3, 4]);
  t.truthy(await stat(indexOf(folder, digests[0] ?? "")));
  await trimCache(folder, 2000 + size);
  t.deepEqual(await left(made), [0, 4]);
  await trimCache(folder, Infinity);
  t.deepEqual(await left(made), [0, 4]);
  await trimCache(folder, 0);
  t.deepEqual(await left(made), []);
  await t.throwsAsync(stat(indexOf(folder, digests[0] ?? "")), { code: "ENOENT" });
});

test("what a running build uses stays, whatever the size", async (t) => {
  const made = await filled(t);
  const { folder, cache, digests } = made;
  const lease = await cache.lease(digests[0] ?? "");
  const again = await cache.lease(digests[0] ?? "");
  await trimCache(folder, 0);
  t.deepEqual(await left(made), [0]);
  await again[Symbol.asyncDispose]();
  await again[Symbol.asyncDispose]();
  const { removed, kept } = await cleanCache(folder, { kinds: ["blob"] });
  t.is(removed.length, 0);
  t.deepEqual(
    kept.map(({ name }) => name),
    [digests[0] ?? ""],
  );
  await lease[Symbol.asyncDispose]();
  t.deepEqual(await readdir(join(folder, "leases-v1")), []);
  await trimCache(folder, 0);
  t.deepEqual(await left(made), []);
});

test("the lease of a process that is killed goes without anybody's help", async (t) => {
  const folder = await scratch(t);
  const script = `
    import { leaseBlob } from "./src/cache/cache-lease.ts";
    await leaseBlob(${JSON.stringify(folder)}, ${JSON.stringify(sha256(randomBytes(8)))});
    console.log("taken");
    setInterval(() => {}, 1000);`;
  const words = ["--input-type=module-typescript", "-e", script];
  const owner = execa(process.execPath, words, { reject: false, cwd: checkout });
  await once(owner.stdout, "data");
  const leases = join(folder, "leases-v1");
  t.is((await readdir(leases)).length, 1);
  owner.kill("SIGKILL");
  await owner;
  await eventually(() => readdirSync(leases).length === 0);
});

test("leases count while their process may live, and are cleared away afterwards", async (t) => {
  const { folder, digests } = await filled(t);
  const [mine = "", elsewhere = "", gone = "", old = ""] = digests;
  await using lease = await leaseBlob(folder, mine);
  t.truthy(lease);
  const leases = join(folder, "leases-v1");
  const { host, boot, pid, startTicks } = ownIdentity();
  await writeFile(join(leases, `00aa00-${boot}-7-7`), `${elsewhere}\n`);
  await writeFile(join(leases, `${host}-${boot}-4194303-7`), `${gone}\n`);
  await writeFile(join(leases, `00bb00-${boot}-7-7`), `${old}\n`);
  await utimes(join(leases, `00bb00-${boot}-7-7`), 1_700_000_000, 1_700_000_000);
  t.deepEqual([...(await leasedBlobs(folder))].toSorted(), [mine, elsewhere].toSorted());
  t.deepEqual(
    (await readdir(leases)).toSorted(),
    [`00aa00-${boot}-7-7`, `${host}-${boot}-${pid}-${startTicks}`].toSorted(),
  );
});

test("cleaning takes what is old enough and of the kinds, or says what it would", async (t) => {
  const made = await filled(t);
  const { folder } = made;
  const before = Date.now() - 2.5 * dayMs;
  const dry = await cleanCache(folder, { kinds: ["blob"], usedBeforeMs: before, isDryRun: true });
  t.is(dry.removed.length, 3);
  t.deepEqual(await left(made), [0, 1, 2, 3, 4]);
  await cleanCache(folder, { kinds: ["blob"], usedBeforeMs: before });
  t.deepEqual(await left(made), [3, 4]);
  await cleanCache(folder, { kinds: ["tag", "index"] });
  t.deepEqual(kindsOf(await listCache(folder)), ["blob", "blob", "part"]);
  // A download that was written to just now is somebody's.
  const all = ["blob", "index", "tag", "part", "code"] as const;
  t.deepEqual(kindsOf((await cleanCache(folder, { kinds: all })).kept), ["part"]);
  await utimes(join(folder, "blobs-v1", "incoming", "part"), 1_700_000_000, 1_700_000_000);
  await cleanCache(folder, { kinds: all });
  t.deepEqual(await listCache(folder), []);
});

test("verifying removes what is damaged and nothing else, and is no use of a blob", async (t) => {
  const made = await filled(t);
  const { folder, cache, digests } = made;
  t.deepEqual((await verifyCache(folder)).damaged, []);
  const before = new Map((await listCache(folder)).map((entry) => [entry.file, entry.usedMs]));
  for (const digest of digests.slice(1, 3)) {
    const bytes = await readFile(cache.fileOf(digest));
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    await writeFile(cache.fileOf(digest), bytes);
  }
  await writeFile(indexOf(folder, digests[0] ?? ""), zstdCompressSync("{}").subarray(0, 5));
  const [tag = ""] = await readdir(join(folder, "tags-v1"));
  await writeFile(join(folder, "tags-v1", tag), "{");
  const { damaged, checked } = await verifyCache(folder);
  t.is(checked, 7);
  t.deepEqual(kindsOf(damaged), ["blob", "blob", "index", "tag"]);
  t.deepEqual(await left(made), [0, 3, 4]);
  for (const entry of await listCache(folder)) {
    if (entry.kind === "blob") t.is(entry.usedMs, before.get(entry.file) ?? 0);
  }
});

test("a tag is remembered by its whole name, and the last digest counts", async (t) => {
  const tags = new TagMemory(await scratch(t));
  t.is(await tags.find("a/b:1"), undefined);
  await tags.remember("a/b:1", sha256(Buffer.from("1")));
  await tags.remember("a/b:1", sha256(Buffer.from("2")));
  t.is(await tags.find("a/b:1"), sha256(Buffer.from("2")));
  t.is(await tags.find("a/b:2"), undefined);
  // Where nothing can be written nothing is remembered, and nobody is bothered.
  await t.notThrowsAsync(new TagMemory("/dev/null/x").remember("a/b:1", sha256(Buffer.from("1"))));
});

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import type { LayerEntry } from "../../src/model/layer-entry.ts";
import { LayerIndexCache } from "../../src/oci/layer-index-cache.ts";
import type { LayerIndex } from "../../src/oci/layer-index.ts";
import { Layer } from "../../src/oci/layer.ts";
import { layer, sha256, textLayer, type TestLayer } from "../helpers/oci-image.ts";
import { scratch } from "../helpers/scratch.ts";
import { archive, base256, entry, header, pax } from "../helpers/tar.ts";

const byteString = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((bytes) => Buffer.from(bytes).toString("latin1"));
const count = fc.maxSafeNat();
const someEntry: fc.Arbitrary<LayerEntry> = fc.record({
  path: byteString,
  type: fc.constantFrom("file", "directory", "symlink", "hard-link", "fifo", "block-device"),
  linkTarget: fc.oneof(fc.constant(""), byteString),
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 32 - 2),
  gid: fc.nat(2 ** 32 - 2),
  mtimeSeconds: fc.maxSafeInteger(),
  xattrs: fc.option(
    fc
      .array(
        fc.tuple(
          byteString,
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
      )
      .map((pairs) => new Map(pairs)),
    { nil: undefined },
  ),
  sizeBytes: count,
  dataOffset: count,
  storedBytes: count,
  data: fc.option(fc.array(fc.record({ offset: count, lengthBytes: count })), { nil: undefined }),
  major: fc.nat(2 ** 32 - 1),
  minor: fc.nat(2 ** 32 - 1),
});

const digest = sha256(Buffer.from("blob"));
const diffId = sha256(Buffer.from("tar"));

test("an index comes back as it was kept, whatever is in it", async (t) => {
  const cache = new LayerIndexCache(await scratch(t));
  await fc.assert(
    fc.asyncProperty(fc.array(someEntry), count, async (entries, uncompressedBytes) => {
      const index: LayerIndex = { compression: "zstd", entries, uncompressedBytes };
      await cache.keep(digest, diffId, index);
      t.deepEqual(await cache.find(digest, diffId), index);
    }),
    { numRuns: 50 },
  );
});

test("an index of another archive, of nothing, and a damaged one are as good as absent", async (t) => {
  const folder = await scratch(t);
  const cache = new LayerIndexCache(folder);
  t.is(await cache.find(digest, diffId), undefined);
  await cache.keep(digest, diffId, { compression: "gzip", entries: [], uncompressedBytes: 1 });
  t.truthy(await cache.find(digest, diffId));
  t.is(await cache.find(digest, digest), undefined);
  t.is(await cache.find(diffId, diffId), undefined);
  const file = join(folder, "layer-indexes-v1", "sha256", digest.slice(7));
  const whole = await readFile(file);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    await writeFile(file, changed);
    const found = await cache.find(digest, diffId);
    // A bit of the frame's header that decoders don't look at may change nothing.
    if (found !== undefined)
      t.deepEqual(found, { compression: "gzip", entries: [], uncompressedBytes: 1 });
  }
  await writeFile(file, whole.subarray(0, -3));
  t.is(await cache.find(digest, diffId), undefined);
  t.deepEqual(await readdir(dirname(file)), [digest.slice(7)]);
});

test("an index of another version of the program is not used", async (t) => {
  const folder = await scratch(t);
  const cache = new LayerIndexCache(folder);
  await cache.keep(digest, diffId, { compression: "gzip", entries: [], uncompressedBytes: 1 });
  const file = join(folder, "layer-indexes-v1", "sha256", digest.slice(7));
  const text = zstdDecompressSync(await readFile(file)).toString();
  const { program } = JSON.parse(text) as { program: string };
  t.regex(program, /^\d+\.\d+\.\d+/);
  await writeFile(file, zstdCompressSync(text.replace(program, "0.0.0-other")));
  t.is(await cache.find(digest, diffId), undefined);
});

test("a folder that can't be written to is passed over", async (t) => {
  const cache = new LayerIndexCache("/dev/null/x");
  await t.notThrowsAsync(
    cache.keep(digest, diffId, { compression: "gzip", entries: [], uncompressedBytes: 1 }),
  );
  t.is(await cache.find(digest, diffId), undefined);
});

async function open(t: ExecutionContext, made: TestLayer, folder: string): Promise<Layer> {
  const file = join(folder, "blob");
  await mkdir(folder, { recursive: true });
  const opened = await Layer.open(
    made.blob.digest,
    { file, offset: 0, sizeBytes: made.blob.size },
    { digest: made.blob.digest, diffId: sha256(made.tar) },
    { indexes: new LayerIndexCache(folder) },
  );
  t.teardown(() => opened.close());
  return opened;
}

const odd = layer(
  archive(
    pax([["SCHILY.xattr.user.x", Buffer.from([0, 255, 10])]]),
    entry(
      { name: Buffer.from("caf\xe9", "latin1"), raw: { 108: base256(3_000_000_000n, 8) } },
      "text",
    ),
    header({ name: "null", type: "3", major: 1, minor: 3 }),
  ),
);

test("a layer opened with a kept index has the same entries and contents", async (t) => {
  for (const made of [
    odd,
    textLayer({ a: "a".repeat(100_000), b: "b" }, "zstd"),
    textLayer({ a: "a" }, "plain"),
  ]) {
    const folder = join(await scratch(t), "x");
    await mkdir(folder);
    await writeFile(join(folder, "blob"), made.blob.bytes);
    const first = await open(t, made, folder);
    t.is((await readdir(join(folder, "layer-indexes-v1", "sha256"))).length, 1);
    const second = await open(t, made, folder);
    t.deepEqual(second.entries, first.entries);
    t.is(second.uncompressedBytes, made.tar.length);
    const wanted = first.entries.filter((one) => one.storedBytes > 0);
    for await (const { index, bytes } of second.read(
      wanted.map((one) => ({ position: one.dataOffset, lengthBytes: one.storedBytes })),
    )) {
      const { dataOffset, storedBytes } = wanted[index] as LayerEntry;
      t.true(Buffer.from(bytes).equals(made.tar.subarray(dataOffset, dataOffset + storedBytes)));
    }
  }
});

test("a kept index is used, and doesn't hide that the blob is damaged", async (t) => {
  const made = textLayer({ a: "a", b: "b" });
  const folder = await scratch(t);
  await writeFile(join(folder, "blob"), made.blob.bytes);
  await open(t, made, folder);
  // Only somebody who doesn't look at the archive believes this.
  const cache = new LayerIndexCache(folder);
  const diff = sha256(made.tar);
  const kept = (await cache.find(made.blob.digest, diff)) as LayerIndex;
  await cache.keep(made.blob.digest, diff, { ...kept, entries: kept.entries.slice(1) });
  t.is((await open(t, made, folder)).entries.length, 1);

  const bytes = Buffer.from(made.blob.bytes);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  await writeFile(join(folder, "blob"), bytes);
  await t.throwsAsync(open(t, made, folder), { code: "source/digest-mismatch" });
});

test("nothing is kept of a layer that is wrong", async (t) => {
  const made = textLayer({ a: "a" });
  const folder = await scratch(t);
  await writeFile(join(folder, "blob"), made.blob.bytes);
  const liar = { ...made, tar: Buffer.from("another") };
  await t.throwsAsync(open(t, liar, folder), { code: "source/diffid-mismatch" });
  await t.throwsAsync(readdir(join(folder, "layer-indexes-v1")), { code: "ENOENT" });
});

import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createHash } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import type { FileNode } from "../../src/model/node.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { readSquashfs } from "../../src/squashfs/read.ts";
import { verifySquashfs } from "../../src/squashfs/verify.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { randomTree } from "../helpers/random-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { entriesOfImage, expectedEntries, squashfsOf, writeImage } from "../helpers/squashfs.ts";

const bytesFile = (bytes: Uint8Array): FileNode => ({
  ...textFile(""),
  sizeBytes: bytes.length,
  content: { kind: "bytes", bytes },
});

for (const compression of ["fast", "gzip:6", "small", "zstd:3", "none"]) {
  test(`everything in a tree comes back: ${compression}`, async (t) => {
    const tree = nastyTree();
    const { file, written } = await squashfsOf(t, tree, {
      compressor: parseCompression(compression),
    });
    const differences = compareTrees(await entriesOfImage(file), await expectedEntries(tree));
    t.deepEqual(differences, [], describeDifferences(differences));
    t.is((await file.stat()).size, written.sizeBytes);
    t.is(written.sizeBytes % 4096, 0);
    await verifySquashfs(file, 0, written.sizeBytes, { name: "image", inodes: written.inodes });
  });
}

test("random trees come back", async (t) => {
  t.timeout(120_000);
  const file = await open(join(await scratch(t), "image"), "w+");
  t.teardown(() => file.close());
  await fc.assert(
    fc.asyncProperty(randomTree({ blockBytes: 4096 }), async (tree) => {
      const written = await writeImage(tree, file, { blockSizeBytes: 4096 });
      const differences = compareTrees(await entriesOfImage(file), await expectedEntries(tree));
      t.deepEqual(differences, [], describeDifferences(differences));
      t.is((await file.stat()).size, written.sizeBytes);
    }),
    { numRuns: 60 },
  );
});

test("the number of threads doesn't change a byte", async (t) => {
  const tree = new FileTree();
  for (let index = 0; index < 60; index += 1) {
    const text = Array.from({ length: 3000 * (index % 7) }, (_, at) => `${index} ${at % 977}\n`);
    tree.put(`d${index % 5}/f${index}`, textFile(text.join("")));
  }
  tree.put("copy", textFile(Array.from({ length: 18000 }, (_, at) => `6 ${at % 977}\n`).join("")));
  const digests = new Set<string>();
  for (const workers of [1, 2, 7]) {
    const { path } = await squashfsOf(t, tree, { workers, blockSizeBytes: 8192 });
    digests.add(createHash("sha256").update(readFileSync(path)).digest("hex"));
  }
  t.is(digests.size, 1);
});

test("contents that are there several times are stored once", async (t) => {
  const noise = Buffer.concat(
    Array.from({ length: 9000 }, (_, at) => createHash("sha256").update(String(at)).digest()),
  );
  const alone = new FileTree();
  const copied = new FileTree();
  for (const tree of [alone, copied]) {
    tree.put("big", bytesFile(noise));
    tree.put("middle", bytesFile(noise.subarray(5000, 5000 + 131072)));
    tree.put("small", bytesFile(noise.subarray(0, 9999)));
  }
  copied.put("x/big", bytesFile(Buffer.from(noise)));
  copied.put("x/middle", bytesFile(Buffer.from(noise.subarray(5000, 5000 + 131072))));
  copied.put("x/small", bytesFile(Buffer.from(noise.subarray(0, 9999))));
  copied.put("x/other", bytesFile(Buffer.from(noise.subarray(200_000, 209_999))));
  const one = await squashfsOf(t, alone, { workers: 2 });
  const two = await squashfsOf(t, copied, { workers: 2 });
  const grown = two.written.usedBytes - one.written.usedBytes;
  t.true(grown > 9000 && grown < 11_000, `${grown} bytes more`);
  const differences = compareTrees(await entriesOfImage(two.file), await expectedEntries(copied));
  t.deepEqual(differences, []);
});

test("holes take no space and are holes again", async (t) => {
  const tree = new FileTree();
  const source = {
    name: "no bytes",
    // oxlint-disable-next-line require-yield
    async *read() {
      return;
    },
  };
  const sizeBytes = 5 * 1024 ** 4 + 7;
  tree.put("huge", {
    ...textFile(""),
    sizeBytes,
    content: { kind: "extent", source, position: 0, lengthBytes: 0, data: [] },
  });
  const { file, written } = await squashfsOf(t, tree, { blockSizeBytes: 1048576 });
  t.true(written.sizeBytes < 200_000);
  const node = (await readSquashfs(file, 0, written.sizeBytes)).get("huge");
  t.is(node?.type === "file" ? node.sizeBytes : 0, sizeBytes);
  t.is(node?.type === "file" && node.content.kind === "extent" ? node.content.lengthBytes : 1, 0);
});

test("an image begins where it is told to, and ends the file", async (t) => {
  const path = join(await scratch(t), "image");
  const file = await open(path, "w+");
  t.teardown(() => file.close());
  await file.write(Buffer.alloc(1_000_000, "x"), 0, 1_000_000, 0);
  const { writeSquashfs } = await import("../../src/squashfs/write.ts");
  const written = await writeSquashfs(
    nastyTree(),
    { file, offset: 12_345 },
    { compressor: parseCompression("fast"), timeSeconds: 0, workers: 1 },
  );
  t.is((await file.stat()).size, 12_345 + written.sizeBytes);
  t.is(readFileSync(path).subarray(0, 12_345).toString(), "x".repeat(12_345));
  await verifySquashfs(file, 12_345, written.sizeBytes, { name: "image", inodes: written.inodes });
});

test("the text that Apptainer takes for its own header is never near the start", async (t) => {
  const tree = new FileTree();
  tree.put("a", textFile("#!/usr/bin/env run-singularity\n"));
  const { path } = await squashfsOf(t, tree, { compressor: parseCompression("none") });
  const bytes = readFileSync(path);
  t.false(bytes.subarray(0, 2048).includes(" run-singularity"));
  t.true(bytes.includes(" run-singularity"));
});

test("attributes that SquashFS can't hold are told and left out", async (t) => {
  const tree = new FileTree();
  tree.put(
    "f",
    textFile("x", {
      xattrs: new Map([
        ["system.posix_acl_access", Buffer.from("acl")],
        ["user.kept", Buffer.from("kept")],
      ]),
    }),
  );
  const dropped: string[] = [];
  const { file } = await squashfsOf(t, tree, {
    onDroppedXattr: (path, name) => dropped.push(`${path} ${name}`),
  });
  t.deepEqual(dropped, ["f system.posix_acl_access"]);
  t.deepEqual((await entriesOfImage(file))["f"]?.xattrs, { "user.kept": "0x6b657074" });
});

test("progress goes up to all bytes", async (t) => {
  const seen: [number, number][] = [];
  const tree = new FileTree();
  for (let index = 0; index < 1200; index += 1) tree.put(`f${index}`, textFile(`${index}`));
  await squashfsOf(t, tree, { onProgress: (done, total) => seen.push([done, total]) });
  t.true(seen.length >= 2);
  t.deepEqual(
    seen,
    seen.toSorted(([a], [b]) => a - b),
  );
  t.is(seen.at(-1)?.[0], seen.at(-1)?.[1]);
});

test("a signal ends the work, and so does a source that fails", async (t) => {
  const tree = new FileTree();
  const stop = new AbortController();
  const endless = {
    name: "endless",
    async *read() {
      for (;;) {
        yield { index: 0, bytes: Buffer.alloc(100_000) };
        stop.abort(new Error("enough"));
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  tree.put("f", {
    ...textFile(""),
    sizeBytes: 1e12,
    content: { kind: "extent", source: endless, position: 0, lengthBytes: 1e12 },
  });
  await t.throwsAsync(squashfsOf(t, tree, { signal: stop.signal }), { message: "enough" });
  const failing = {
    name: "failing",
    // oxlint-disable-next-line require-yield
    async *read(): AsyncGenerator<never> {
      throw new Error("the layer is gone");
    },
  };
  tree.put("f", {
    ...textFile(""),
    sizeBytes: 10,
    content: { kind: "extent", source: failing, position: 0, lengthBytes: 10 },
  });
  await t.throwsAsync(squashfsOf(t, tree), { message: "the layer is gone" });
});

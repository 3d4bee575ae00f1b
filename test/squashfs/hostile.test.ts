import { readFileSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { TsbuildError, FormatError } from "../../src/model/error.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { verifySquashfs } from "../../src/squashfs/verify.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { entriesOfImage, squashfsOf } from "../helpers/squashfs.ts";

/** How reading ended: with a tree, or with an error, which must be one of ours. */
async function outcome(path: string): Promise<string> {
  const file = await open(path);
  try {
    await entriesOfImage(file);
    return "read";
  } catch (error) {
    if (error instanceof TsbuildError) return error.code;
    throw error;
  } finally {
    await file.close();
  }
}

for (const compression of ["none", "fast", "zstd:1"]) {
  test(`images with changed bytes give errors of ours or a tree: ${compression}`, async (t) => {
    t.timeout(120_000);
    const { path, written } = await squashfsOf(t, nastyTree(), {
      compressor: parseCompression(compression),
      blockSizeBytes: 4096,
    });
    const original = readFileSync(path);
    const mutated = join(await scratch(t), "mutated");
    const seen = new Set<string>();
    const start = performance.now();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            // Tables are at the end, and matter most.
            at: fc.oneof(
              fc.nat({ max: 95 }),
              fc.integer({ min: Math.floor(written.usedBytes / 2), max: written.usedBytes - 1 }),
              fc.nat({ max: written.usedBytes - 1 }),
            ),
            value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat({ max: 255 })),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        async (changes) => {
          const bytes = Buffer.from(original);
          for (const { at, value } of changes) bytes[at] = value;
          writeFileSync(mutated, bytes);
          seen.add(await outcome(mutated));
        },
      ),
      { numRuns: 250 },
    );
    t.true(seen.has("squashfs/damaged"), [...seen].join(" "));
    t.true(performance.now() - start < 100_000);
  });
}

test("an image that was cut is refused", async (t) => {
  const { path, written } = await squashfsOf(t, nastyTree());
  const original = readFileSync(path);
  const cut = join(await scratch(t), "cut");
  for (const length of [0, 1, 95, 96, 2048, written.usedBytes - 1]) {
    writeFileSync(cut, original.subarray(0, length));
    t.regex(await outcome(cut), /^squashfs\/(damaged|not-squashfs)$/, `${length}`);
  }
  writeFileSync(cut, original.subarray(0, written.usedBytes));
  t.is(await outcome(cut), "read");
});

/** The inode table of an image that was written without compression, to change it. */
function inodeTable(bytes: Buffer): Buffer {
  return bytes.subarray(Number(bytes.readBigUInt64LE(64)), Number(bytes.readBigUInt64LE(72)));
}

test("a directory inside itself is refused", async (t) => {
  const tree = new FileTree();
  tree.put("a/b/c", textFile("x"));
  const { path } = await squashfsOf(t, tree, { compressor: parseCompression("none") });
  const bytes = readFileSync(path);
  // Inodes: c, b, a, the root. Let b's listing be the one of a, in which b is.
  const inodes = inodeTable(bytes).subarray(2);
  const fileBytes = 32;
  const b = inodes.subarray(fileBytes, fileBytes + 32);
  const a = inodes.subarray(fileBytes + 32, fileBytes + 64);
  t.is(b.readUInt16LE(0), 1);
  t.is(a.readUInt16LE(0), 1);
  b.writeUInt16LE(a.readUInt16LE(16 + 8), 16 + 8);
  b.writeUInt16LE(a.readUInt16LE(16 + 10), 16 + 10);
  writeFileSync(path, bytes);
  t.is(await outcome(path), "squashfs/damaged");
});

test("names that lead elsewhere are refused", async (t) => {
  for (const [from, to] of [
    ["ab", ".."],
    ["ab", "a/"],
    ["ab", "a\0"],
    ["q", "."],
  ] as const) {
    const tree = new FileTree();
    tree.put(from, textFile("x"));
    const { path } = await squashfsOf(t, tree, { compressor: parseCompression("none") });
    const bytes = readFileSync(path);
    const start = Number(bytes.readBigUInt64LE(72));
    const at = bytes.indexOf(from, start);
    bytes.write(to, at, "latin1");
    writeFileSync(path, bytes);
    t.is(await outcome(path), "squashfs/damaged", JSON.stringify(to));
  }
});

test("a few bytes that unpack to many are refused before they fill the memory", async (t) => {
  const tree = new FileTree();
  tree.put("f", textFile("x"));
  const { path } = await squashfsOf(t, tree, { compressor: parseCompression("none") });
  const bytes = readFileSync(path);
  // A list of positions that names one metadata block 65000 times: 500 MB of fragments.
  const block = deflateSync(Buffer.alloc(8192));
  const head = Buffer.alloc(2);
  head.writeUInt16LE(block.length, 0);
  const index = Buffer.alloc(8 * 65_000);
  for (let at = 0; at < index.length; at += 8) index.writeBigUInt64LE(BigInt(bytes.length), at);
  const bomb = Buffer.concat([bytes, head, block, index]);
  bomb.writeUInt32LE(65_000 * 512, 16);
  bomb.writeBigUInt64LE(BigInt(bytes.length + 2 + block.length), 80);
  bomb.writeBigUInt64LE(BigInt(bomb.length), 40);
  writeFileSync(path, bomb);
  const before = process.memoryUsage.rss();
  t.is(await outcome(path), "squashfs/damaged");
  t.true(process.memoryUsage.rss() - before < 700e6);
});

test("a block that unpacks to less or more than it should is an error when it is read", async (t) => {
  const tree = new FileTree();
  const text = "some text to compress. ".repeat(1000);
  tree.put("f", textFile(text));
  const { path, file } = await squashfsOf(t, tree, { blockSizeBytes: 4096 });
  const bytes = readFileSync(path);
  // The first block begins at 2048; its words are the last numbers of the file's inode.
  const length = inflateSync(bytes.subarray(2048)).length;
  t.is(length, 4096);
  const changed = deflateSync(Buffer.from(text.slice(0, 4000)));
  changed.copy(bytes, 2048);
  writeFileSync(path, bytes);
  const error = await t.throwsAsync(entriesOfImage(file), { instanceOf: FormatError });
  t.is(error.code, "squashfs/damaged");
  const verified = verifySquashfs(file, 0, bytes.length, { name: "image", inodes: 2 });
  t.is((await t.throwsAsync(verified, { instanceOf: FormatError })).code, "image/not-verified");
});

test("verifying notices every changed byte of a block and of a table", async (t) => {
  const tree = new FileTree();
  tree.put("f", textFile("some text to compress. ".repeat(300)));
  const { path, file, written } = await squashfsOf(t, tree);
  const original = readFileSync(path);
  for (let at = 2048; at < written.usedBytes; at += 7) {
    const bytes = Buffer.from(original);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    writeFileSync(path, bytes);
    const options = { name: "image", inodes: written.inodes, workers: 1 };
    // Attributes inside of uncompressed tables are values like any other; these tables are compressed or tiny.
    const result = await verifySquashfs(file, 0, written.sizeBytes, options).then(
      () => "fine",
      (error: unknown) => (error instanceof FormatError ? error.code : String(error)),
    );
    if (at < Number(original.readBigUInt64LE(64))) t.is(result, "image/not-verified", `${at}`);
    else t.regex(result, /^(image\/not-verified|fine)$/);
  }
  writeFileSync(path, original);
  await t.notThrowsAsync(
    verifySquashfs(file, 0, written.sizeBytes, { name: "image", inodes: written.inodes }),
  );
});

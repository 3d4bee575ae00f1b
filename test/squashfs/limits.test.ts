import test from "ava";
import { FormatError, UsageError } from "../../src/model/error.ts";
import type { Node } from "../../src/model/node.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { looksPacked } from "../../src/squashfs/looks-packed.ts";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Directory, FileTree } from "../../src/tree/file-tree.ts";
import { textFile } from "../helpers/nasty-tree.ts";
import { squashfsOf } from "../helpers/squashfs.ts";

const own = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 };

const impossible: readonly (readonly [string, Node])[] = [
  ["a symlink without a target", { type: "symlink", ...own, target: "" }],
  ["a symlink over 4095 bytes", { type: "symlink", ...own, target: "x".repeat(4096) }],
  ["a major number over 12 bits", { type: "block-device", ...own, major: 4096, minor: 0 }],
  ["a minor number over 20 bits", { type: "character-device", ...own, major: 1, minor: 1048576 }],
  ["the id that means nobody", textFile("x", { uid: 0xffff_ffff })],
  ["a negative id", textFile("x", { gid: -1 })],
  [
    "an attribute over 64 KiB",
    textFile("x", { xattrs: new Map([["user.a", Buffer.alloc(65537)]]) }),
  ],
  [
    "an attribute name over 255 bytes",
    textFile("x", { xattrs: new Map([[`user.${"a".repeat(251)}`, Buffer.alloc(1)]]) }),
  ],
];

for (const [what, node] of impossible) {
  test(`${what} is refused, and the path named`, async (t) => {
    const tree = new FileTree();
    tree.put("some/where", node);
    const error = await t.throwsAsync(squashfsOf(t, tree), { instanceOf: FormatError });
    t.is(error.code, "squashfs/limit");
    t.true(error.message.includes("/some/where"), error.message);
  });
}

test("names that no file can have are refused", async (t) => {
  for (const name of ["", ".", "..", "a/b", "a\0", "n".repeat(256)]) {
    const tree = new FileTree();
    const folder = new Directory({ type: "directory", ...own });
    tree.root.children.set("folder", folder);
    folder.children.set(name, textFile("x"));
    const error = await t.throwsAsync(squashfsOf(t, tree), { instanceOf: FormatError });
    t.is(error.code, "squashfs/limit");
    t.true(error.message.includes("/folder/"));
  }
});

test("65535 owners fit, one more doesn't", async (t) => {
  const tree = new FileTree();
  for (let index = 0; index < 65_534; index += 1) {
    tree.put(`${index % 100}/${index}`, { type: "fifo", ...own, uid: index + 1 });
  }
  // The 65535th is root, who has the directories.
  await t.notThrowsAsync(squashfsOf(t, tree));
  tree.put("one-more", { type: "fifo", ...own, uid: 1_000_000 });
  const error = await t.throwsAsync(squashfsOf(t, tree), { instanceOf: FormatError });
  t.is(error.code, "squashfs/limit");
  t.regex(error.message, /has the 65536th owner/);
});

test("compressions have names", (t) => {
  t.deepEqual(parseCompression("gzip"), { name: "gzip", level: 6 });
  t.deepEqual(parseCompression("gzip:12"), { name: "gzip", level: 12 });
  t.deepEqual(parseCompression("zstd:19"), { name: "zstd", level: 19 });
  t.deepEqual(parseCompression("none"), { name: "none", level: 0 });
  t.is(parseCompression("balanced").name, "gzip");
  for (const text of ["", "gzip:", "gzip:0", "gzip:13", "zstd:23", "none:0", "xz", "constructor"]) {
    const error = t.throws(() => parseCompression(text), { instanceOf: UsageError });
    t.is(error.code, "usage/compression", text);
  }
});

test("packed bytes are told from others", (t) => {
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, at) => `${at * at}\n`).join(""));
  t.true(looksPacked(randomBytes(131_072)));
  t.true(looksPacked(randomBytes(2000)));
  t.true(looksPacked(gzipSync(text).subarray(20, 60_000)));
  t.false(looksPacked(text));
  t.false(looksPacked(Buffer.alloc(131_072)));
  t.false(looksPacked(randomBytes(500)), "too few to tell");
  t.false(looksPacked(Buffer.from(randomBytes(60_000).toString("base64"))));
});

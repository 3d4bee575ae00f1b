import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readContents } from "../../src/contents/read-contents.ts";
import { HostError } from "../../src/model/error.ts";
import type { FileNode } from "../../src/model/node.ts";

const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

/** A file with the word "data" at some offsets and holes elsewhere. */
function sparseFile(name: string, sizeBytes: number, offsets: readonly number[]): FileNode {
  const path = join(folder, name);
  const fd = openSync(path, "w");
  ftruncateSync(fd, sizeBytes);
  for (const offset of offsets) writeSync(fd, "data", offset);
  closeSync(fd);
  return {
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    sizeBytes,
    content: { kind: "host-file", path: Buffer.from(path) },
  };
}

test("holes of a file on disk are not read", async (t) => {
  const TiB = 2 ** 40;
  const file = sparseFile("lastlog", 4 * TiB, [TiB, 3 * TiB + 5]);
  let at = 0;
  let readBytes = 0;
  const words: [number, string][] = [];
  for await (const { bytes, zeros = 0 } of readContents([file])) {
    if (bytes !== undefined) {
      readBytes += bytes.length;
      const word = Buffer.from(bytes).indexOf("data");
      if (word >= 0) words.push([at + word, "data"]);
    }
    at += bytes?.length ?? zeros;
  }
  t.is(at, 4 * TiB);
  t.deepEqual(words, [
    [TiB, "data"],
    [3 * TiB + 5, "data"],
  ]);
  t.true(readBytes <= 1 << 17, `${readBytes} bytes were read`);
});

test("a file that is all hole, and one that ends in data", async (t) => {
  const hole = sparseFile("hole", 1 << 20, []);
  const ends = sparseFile("ends", (1 << 20) + 4, [1 << 20]);
  const sizes = new Map<FileNode, number>();
  let last = "";
  for await (const { file, bytes, zeros = 0 } of readContents([hole, ends])) {
    sizes.set(file, (sizes.get(file) ?? 0) + (bytes?.length ?? zeros));
    if (bytes !== undefined) last = Buffer.from(bytes).toString("latin1");
  }
  t.is(sizes.get(hole), 1 << 20);
  t.is(sizes.get(ends), (1 << 20) + 4);
  t.true(last.endsWith("data"));
});

test("a sparse file of another size than promised is an error", async (t) => {
  const file = sparseFile("other", 1 << 20, [0]);
  for (const sizeBytes of [(1 << 20) - 1, (1 << 20) + 1]) {
    const reading = async () => {
      for await (const { file: read } of readContents([{ ...file, sizeBytes }])) t.truthy(read);
    };
    const error = await t.throwsAsync(reading, { instanceOf: HostError });
    t.is(error?.code, "host/file-changed");
  }
});

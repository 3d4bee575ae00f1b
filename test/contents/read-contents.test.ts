import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { readContents } from "../../src/contents/read-contents.ts";
import type { ContentSource, DataRange, Extent } from "../../src/model/content.ts";
import { FormatError, HostError } from "../../src/model/error.ts";
import type { FileNode } from "../../src/model/node.ts";

const attributes = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 } as const;

/** A source over bytes in memory that notes what it is asked and gives chunks of the wanted size. */
function memorySource(bytes: Uint8Array, chunkBytes: number, asked: Extent[][] = []) {
  const source: ContentSource = {
    name: "memory",
    async *read(wanted) {
      asked.push([...wanted]);
      let end = 0;
      for (const [index, { position, lengthBytes }] of wanted.entries()) {
        if (position < end) throw new Error("not ascending");
        end = position + lengthBytes;
        for (let at = 0; at < lengthBytes; at += chunkBytes) {
          const size = Math.min(chunkBytes, lengthBytes - at);
          yield { index, bytes: bytes.subarray(position + at, position + at + size) };
        }
      }
    },
  };
  return source;
}

const letter = (): FileNode => ({
  ...attributes,
  sizeBytes: 1,
  content: { kind: "bytes", bytes: Buffer.from("x") },
});

async function collect(files: readonly FileNode[]): Promise<[FileNode, Buffer][]> {
  const found: [FileNode, Buffer[]][] = [];
  for await (const chunk of readContents(files)) {
    const piece = chunk.bytes === undefined ? Buffer.alloc(chunk.zeros) : Buffer.from(chunk.bytes);
    const last = found.at(-1);
    if (last?.[0] === chunk.file) last[1].push(piece);
    else found.push([chunk.file, [piece]]);
  }
  return found.map(([file, pieces]) => [file, Buffer.concat(pieces)]);
}

function sparseFile(source: ContentSource, position: number, parts: readonly number[]): FileNode {
  // Parts alternate: hole, data, hole, data …
  const data: DataRange[] = [];
  let offset = 0;
  let stored = 0;
  for (const [index, lengthBytes] of parts.entries()) {
    if (index % 2 === 1) {
      data.push({ offset, lengthBytes });
      stored += lengthBytes;
    }
    offset += lengthBytes;
  }
  return {
    ...attributes,
    sizeBytes: offset,
    content: { kind: "extent", source, position, lengthBytes: stored, data },
  };
}

test("files come whole, with their holes, whatever the chunks and ranges are", async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat({ max: 40 }), { maxLength: 7 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      async (shapes, chunkBytes) => {
        const bytes = Uint8Array.from({ length: 2500 }, (_, index) => (index % 255) + 1);
        const source = memorySource(bytes, chunkBytes);
        let position = 0;
        const files: FileNode[] = [];
        const expected = new Map<FileNode, Buffer>();
        for (const parts of shapes) {
          const file = sparseFile(source, position, parts);
          const pieces = parts.map((size, index) => {
            if (index % 2 === 0) return Buffer.alloc(size);
            position += size;
            return Buffer.from(bytes.subarray(position - size, position));
          });
          files.push(file);
          if (file.sizeBytes > 0) expected.set(file, Buffer.concat(pieces));
        }
        const found = await collect(files);
        t.deepEqual(new Map(found), expected);
        t.is(found.length, expected.size, "no file comes in two parts");
      },
    ),
    { numRuns: 300 },
  );
});

test("a source is read once, front to back, where the list first meets it", async (t) => {
  const asked: Extent[][] = [];
  const source = memorySource(Buffer.from("abcdef"), 4, asked);
  const extent = (position: number): FileNode => ({
    ...attributes,
    sizeBytes: 2,
    content: { kind: "extent", source, position, lengthBytes: 2 },
  });
  const text: FileNode = {
    ...attributes,
    sizeBytes: 4,
    content: { kind: "bytes", bytes: Buffer.from("text") },
  };
  const found = await collect([extent(4), text, extent(0), extent(2)]);
  t.deepEqual(
    found.map(([, bytes]) => bytes.toString()),
    ["ab", "cd", "ef", "text"],
  );
  t.is(asked.length, 1);
});

test("copies of one stretch each get their bytes", async (t) => {
  const source = memorySource(Buffer.from("abcdef"), 4);
  const file = (position: number, lengthBytes: number): FileNode => ({
    ...attributes,
    sizeBytes: lengthBytes,
    content: { kind: "extent", source, position, lengthBytes },
  });
  const found = await collect([file(0, 6), file(0, 6), file(3, 2), file(0, 0)]);
  t.deepEqual(
    found.map(([, bytes]) => bytes.toString()),
    ["abcdef", "abcdef", "de"],
  );
});

test("a file whose content has another size than it promises is refused", async (t) => {
  const source = memorySource(Buffer.from("abcdef"), 4);
  const bad: FileNode[] = [
    { ...attributes, sizeBytes: 3, content: { kind: "bytes", bytes: Buffer.from("ab") } },
    {
      ...attributes,
      sizeBytes: 7,
      content: { kind: "extent", source, position: 0, lengthBytes: 6 },
    },
    {
      ...attributes,
      sizeBytes: 3,
      content: {
        kind: "extent",
        source,
        position: 0,
        lengthBytes: 2,
        data: [{ offset: 2, lengthBytes: 2 }],
      },
    },
  ];
  for (const file of bad) {
    const error = await t.throwsAsync(collect([file]), { instanceOf: FormatError });
    t.is(error.code, "contents/size");
  }
});

test("a source that ends early is refused", async (t) => {
  const source: ContentSource = {
    name: "short",
    async *read() {
      yield { index: 0, bytes: Buffer.from("a") };
    },
  };
  const file: FileNode = {
    ...attributes,
    sizeBytes: 2,
    content: { kind: "extent", source, position: 0, lengthBytes: 2 },
  };
  const error = await t.throwsAsync(collect([file]), { instanceOf: FormatError });
  t.is(error.code, "contents/size");
  t.regex(error.message, /short/);
});

test("a file of the host must be there, regular, and as big as it was", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "five"), "12345");
  symlinkSync("five", join(folder, "link"));
  const hostFile = (name: string, sizeBytes: number): FileNode => ({
    ...attributes,
    sizeBytes,
    content: { kind: "host-file", path: Buffer.from(join(folder, name)) },
  });
  const [read] = await collect([hostFile("five", 5)]);
  t.is(read?.[1].toString(), "12345");
  for (const [file, code] of [
    [hostFile("five", 4), "host/file-changed"],
    [hostFile("five", 6), "host/file-changed"],
    [hostFile("missing", 1), "host/file-unreadable"],
    [hostFile("link", 5), "host/file-unreadable"],
    [hostFile(".", 4096), "host/file-changed"],
  ] as const) {
    const error = await t.throwsAsync(collect([file]), { instanceOf: HostError });
    t.is(error.code, code);
    t.true(error.message.includes(folder));
  }
});

test("reading ends when the signal says so", async (t) => {
  const stop = new AbortController();
  let seen = 0;
  await t.throwsAsync(
    async () => {
      for await (const _ of readContents([letter(), letter(), letter()], stop.signal)) {
        seen += 1;
        stop.abort();
      }
    },
    { name: "AbortError" },
  );
  t.is(seen, 1);
});

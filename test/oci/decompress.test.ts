import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import { decompress, detectCompression, type Compression } from "../../src/oci/decompress.ts";
import { toolTest } from "../helpers/tool.ts";
import { execa } from "execa";

async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function inflate(
  bytes: Uint8Array,
  kind: Compression,
  pieceBytes = 1 << 20,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of decompress(inPieces(bytes, pieceBytes), kind))
    parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Text that compresses, but not to nothing. */
const text = (length: number, seed = 1) => {
  const bytes = Buffer.alloc(length);
  for (let at = 0, x = seed; at < length; at++) {
    x = (x * 1103515245 + 12345) >>> 0;
    bytes[at] = 97 + ((x >>> 16) % 7);
  }
  return bytes;
};
const checksummed = (bytes: Buffer, more: Record<number, number> = {}) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1, ...more } });
const skippable = (bytes: Buffer, magic = 0x184d2a50) => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(magic, 0);
  head.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
};

const a = text(300_000);
const b = text(70_000, 7);
const empty = Buffer.alloc(0);

const wholes: readonly [string, Compression, Buffer, Buffer][] = [
  ["one gzip member", "gzip", gzipSync(a), a],
  [
    "several gzip members",
    "gzip",
    Buffer.concat([gzipSync(a), gzipSync(empty), gzipSync(b)]),
    Buffer.concat([a, b]),
  ],
  ["gzip with zeros behind", "gzip", Buffer.concat([gzipSync(b), Buffer.alloc(512)]), b],
  ["gzip of nothing", "gzip", gzipSync(empty), empty],
  ["one zstd frame", "zstd", zstdCompressSync(a), a],
  ["a zstd frame with checksum", "zstd", checksummed(b), b],
  ["zstd of nothing", "zstd", zstdCompressSync(empty), empty],
  [
    "several zstd frames",
    "zstd",
    Buffer.concat([checksummed(a), zstdCompressSync(empty), zstdCompressSync(b)]),
    Buffer.concat([a, b]),
  ],
  [
    "skippable frames around zstd",
    "zstd",
    Buffer.concat([
      skippable(Buffer.from("first")),
      zstdCompressSync(b),
      skippable(empty, 0x184d2a5f),
      checksummed(a),
      skippable(text(5000)),
    ]),
    Buffer.concat([b, a]),
  ],
  [
    "raw and RLE zstd blocks",
    "zstd",
    zstdCompressSync(Buffer.concat([Buffer.alloc(400_000), b]), {
      params: { [constants.ZSTD_c_compressionLevel]: 1 },
    }),
    Buffer.concat([Buffer.alloc(400_000), b]),
  ],
  [
    "a small zstd frame that grows a lot",
    "zstd",
    zstdCompressSync(Buffer.alloc(20 << 20)),
    Buffer.alloc(20 << 20),
  ],
];

for (const [name, kind, packed, whole] of wholes) {
  test(`${name} is read whole, in pieces of any size`, async (t) => {
    t.is(detectCompression(packed), kind);
    const sizes =
      packed.length > 100_000 ? [packed.length, 65_536, 511] : [packed.length, 1000, 3, 1];
    for (const size of sizes) t.true(whole.equals(await inflate(packed, kind, size)), `${size}`);
  });
}

test("many thousand small zstd frames are read in reasonable time", async (t) => {
  const frame = zstdCompressSync(text(400));
  const packed = Buffer.concat(Array.from({ length: 20_000 }, () => frame));
  const started = performance.now();
  t.is((await inflate(packed, "zstd")).length, 400 * 20_000);
  t.true(performance.now() - started < 20_000);
});

const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x40;
  return copy;
};
const damaged: readonly [string, Compression, Buffer][] = [
  ["gzip cut short", "gzip", gzipSync(a).subarray(0, -9)],
  ["gzip with a changed byte", "gzip", flipped(gzipSync(b), 1000)],
  ["gzip with other things behind", "gzip", Buffer.concat([gzipSync(b), Buffer.from("other")])],
  ["zstd cut in a block", "zstd", zstdCompressSync(a).subarray(0, -9)],
  ["zstd cut in its checksum", "zstd", checksummed(b).subarray(0, -1)],
  ["zstd cut in a header", "zstd", zstdCompressSync(b).subarray(0, 5)],
  [
    "zstd cut after a whole frame",
    "zstd",
    Buffer.concat([checksummed(b), checksummed(b).subarray(0, 3)]),
  ],
  ["zstd with a wrong checksum", "zstd", flipped(checksummed(b), checksummed(b).length - 1)],
  [
    "zstd with something unknown behind",
    "zstd",
    Buffer.concat([zstdCompressSync(b), Buffer.from("\x01\x02\x03\x04\x05")]),
  ],
  ["zstd cut in a skippable frame", "zstd", skippable(text(100)).subarray(0, 50)],
  [
    "a large zstd frame with a wrong checksum",
    "zstd",
    flipped(checksummed(text(3_000_000)), checksummed(text(3_000_000)).length - 1),
  ],
];

for (const [name, kind, packed] of damaged) {
  test(`${name} is noticed`, async (t) => {
    for (const size of [packed.length, 100]) {
      await t.throwsAsync(inflate(packed, kind, size), { instanceOf: Error }, `${size}`);
    }
  });
}

test("leaving the loop early ends everything", async (t) => {
  for (const [kind, packed] of [
    ["gzip", gzipSync(text(3_000_000))],
    ["zstd", zstdCompressSync(text(3_000_000))],
  ] as const) {
    let ended = false;
    const chunks = async function* () {
      try {
        yield* inPieces(packed, 1000);
      } finally {
        ended = true;
      }
    };
    for await (const chunk of decompress(chunks(), kind)) {
      t.true(chunk.length > 0);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    t.true(ended);
  }
});

test("a failure of the input is thrown as it is", async (t) => {
  for (const [kind, packed] of [
    ["gzip", gzipSync(a)],
    ["zstd", zstdCompressSync(a)],
  ] as const) {
    const chunks = async function* () {
      yield packed.subarray(0, 1000);
      throw new RangeError("the disk is gone");
    };
    const reading = async () => {
      for await (const chunk of decompress(chunks(), kind)) void chunk;
    };
    await t.throwsAsync(reading(), { instanceOf: RangeError, message: "the disk is gone" });
  }
});

test("the first bytes tell what it is", (t) => {
  t.is(detectCompression(Buffer.from("fd377a585a00", "hex")), "xz");
  t.is(detectCompression(Buffer.from("BZh91AY")), "bzip2");
  t.is(detectCompression(Buffer.from("bin/sh\0\0\0")), "none");
  t.is(detectCompression(empty), "none");
});

toolTest(["gzip", "zstd", "xz"], "what the real tools write is read", async (t) => {
  const input = Buffer.concat([a, Buffer.alloc(100_000), b]);
  const pack = async (command: string) =>
    Buffer.from(
      (await execa("sh", ["-c", command], { input, encoding: "buffer", stripFinalNewline: false }))
        .stdout,
    );
  for (const [command, kind] of [
    ["gzip -9", "gzip"],
    ["zstd -q -19 -c", "zstd"],
    ["zstd -q --long=27 -c", "zstd"],
    ["zstd -q -T2 -c; :", "zstd"],
    ["xz -1 -c", "xz"],
  ] as const) {
    const packed = await pack(command);
    t.is(detectCompression(packed), kind, command);
    t.true(input.equals(await inflate(packed, kind)), command);
  }
});

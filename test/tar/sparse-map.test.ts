import test from "ava";
import { FormatError } from "../../src/model/error.ts";
import { sparseRanges } from "../../src/tar/sparse-map.ts";
import { archive, base256, entry, header, padded, parse, parseOne, pax } from "../helpers/tar.ts";

const octal = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
const pairs = (numbers: readonly number[]) => numbers.map(octal).join("");

/** An old GNU sparse file: four pairs in the header, 21 in each block after it. */
function gnuSparse(numbers: readonly number[], realSize: number, data: string): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 8; at < numbers.length; at += 42) {
    const block = Buffer.alloc(512);
    block.write(pairs(numbers.slice(at, at + 42)), "latin1");
    block[504] = at + 42 < numbers.length ? 1 : 0;
    blocks.push(block);
  }
  const raw = {
    386: pairs(numbers.slice(0, 8)),
    482: numbers.length > 8 ? "\u0001" : "\0",
    483: octal(realSize),
  };
  const head = header({ name: "sparse", type: "S", magic: "gnu", size: data.length, raw });
  return Buffer.concat([head, ...blocks, padded(data)]);
}

test("old GNU's map, in the header and beyond", (t) => {
  const short = parseOne(gnuSparse([512, 2, 1024, 3], 4096, "abcde"));
  t.like(short, { type: "file", sizeBytes: 4096, storedBytes: 5, dataOffset: 512 });
  t.deepEqual(short.data, [
    { offset: 512, lengthBytes: 2 },
    { offset: 1024, lengthBytes: 3 },
  ]);

  const numbers = Array.from({ length: 60 }, (_, index) => [index * 1000, 1]).flat();
  const tar = archive(gnuSparse(numbers, 60_000, "x".repeat(60)), entry({ name: "next" }));
  for (const pieceBytes of [tar.length, 100]) {
    const [long, next] = parse(tar, pieceBytes);
    t.is(long?.data?.length, 60);
    t.is(long?.dataOffset, 512 + 3 * 512);
    t.deepEqual(long?.data?.[59], { offset: 59_000, lengthBytes: 1 });
    t.is(next?.path, "next");
  }
});

test("an old GNU map may hold numbers in base-256", (t) => {
  const offset = 2 ** 40;
  const raw = { 386: base256(BigInt(offset), 12), 398: octal(1), 483: base256(2n ** 41n, 12) };
  const found = parseOne(entry({ type: "S", magic: "gnu", raw }, "x"));
  t.is(found.sizeBytes, 2 ** 41);
  t.deepEqual(found.data, [{ offset, lengthBytes: 1 }]);
});

test("PAX 0.0: a pair of records for each stretch", (t) => {
  const found = parseOne(
    pax([
      ["GNU.sparse.size", "10000"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.offset", "100"],
      ["GNU.sparse.numbytes", "2"],
      ["GNU.sparse.offset", "9000"],
      ["GNU.sparse.numbytes", "1"],
    ]),
    entry({ name: "sparse" }, "abc"),
  );
  t.like(found, { path: "sparse", sizeBytes: 10_000, storedBytes: 3, dataOffset: 1536 });
  t.deepEqual(found.data, [
    { offset: 100, lengthBytes: 2 },
    { offset: 9000, lengthBytes: 1 },
  ]);
});

test("PAX 0.1: one record, and the name in another", (t) => {
  const found = parseOne(
    pax([
      ["GNU.sparse.size", "10000"],
      ["GNU.sparse.name", "real/name"],
      ["GNU.sparse.map", "100,2,9000,1"],
    ]),
    entry({ name: "GNUSparseFile.1/name" }, "abc"),
  );
  t.like(found, { path: "real/name", sizeBytes: 10_000, storedBytes: 3 });
  t.is(found.data?.length, 2);
});

test("PAX 1.0: the map comes before the data, and may be long", (t) => {
  const version = [
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.name", "real"],
  ] as const;
  const ranges = Array.from({ length: 200 }, (_, index) => `${index * 1000}\n1\n`).join("");
  const map = padded(`200\n${ranges}`);
  const tar = archive(
    pax([...version, ["GNU.sparse.realsize", "200000"]]),
    entry({}, Buffer.concat([map, Buffer.alloc(200, 1)])),
    entry({ name: "next" }),
  );
  for (const pieceBytes of [tar.length, 1]) {
    const [found, next] = parse(tar, pieceBytes);
    t.like(found, { path: "real", sizeBytes: 200_000, storedBytes: 200 });
    t.is(found?.dataOffset, 1536 + map.length);
    t.is(found?.data?.length, 200);
    t.is(next?.path, "next");
  }
  const hole = parseOne(pax([...version, ["GNU.sparse.realsize", "77"]]), entry({}, padded("0\n")));
  t.like(hole, { sizeBytes: 77, storedBytes: 0 });
  t.deepEqual(hole.data, []);
});

const withMap = (text: string, data = "abc", size = "10000") =>
  archive(
    pax([
      ["GNU.sparse.size", size],
      ["GNU.sparse.map", text],
    ]),
    entry({}, data),
  );

test("maps that lie are refused", (t) => {
  t.is(parse(withMap("100,2,9000,1")).length, 1);
  for (const tar of [
    withMap("100,2,9000"), // half a pair
    withMap("100,2,9000,2"), // more than is stored
    withMap("100,2"), // less than is stored
    withMap("9000,1,100,2"), // not in order
    withMap("100,2,101,1"), // overlapping
    withMap("9998,3"), // beyond the end
    withMap("100,2,x,1"),
    withMap("100,2,-5,1"),
    withMap("100,2,9007199254740993,1"),
    withMap("100,9007199254740991"),
    archive(
      pax([
        ["GNU.sparse.offset", "1"],
        ["GNU.sparse.offset", "2"],
      ]),
      entry({}, "abc"),
    ),
    archive(
      pax([
        ["GNU.sparse.numbytes", "1"],
        ["GNU.sparse.size", "2"],
      ]),
      entry({}, "abc"),
    ),
    archive(gnuSparse([512, 2, 100, 3], 4096, "abcde")),
    archive(gnuSparse([512, 2, 4094, 3], 4096, "abcde")),
  ]) {
    t.throws(() => parse(tar), { instanceOf: FormatError, code: "tar/bad-sparse-map" });
  }
  t.throws(() => parse(withMap("100,2,9000,1", "abc", "much")), { code: "tar/bad-number" });
  for (const text of ["x\n", "2\n1\n1\n", "9999999999\n", "0"]) {
    const records = [
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.realsize", "10000"],
    ] as const;
    const tar = archive(pax(records), entry({}, padded(text)));
    t.throws(() => parse(tar), { code: "tar/bad-sparse-map" }, text);
  }
});

test("an endless run of extension blocks is refused", (t) => {
  const block = Buffer.alloc(512);
  const many: Buffer[] = [];
  for (let index = 0; index < 40_000; index++) {
    const next = Buffer.from(block);
    next.write(pairs(Array.from({ length: 21 }, (_, at) => [index * 21 + at, 1]).flat()), "latin1");
    next[504] = 1;
    many.push(next);
  }
  const raw = { 386: pairs([0, 0]), 482: "\u0001", 483: octal(10_000_000) };
  const head = header({ type: "S", magic: "gnu", raw });
  t.throws(() => parse(Buffer.concat([head, ...many])), { code: "tar/bad-sparse-map" });
});

test("empty stretches are dropped and neighbours joined", (t) => {
  t.deepEqual(sparseRanges([0, 10, 10, 5, 20, 0, 30, 1, 40, 0], 40, 16, "f"), [
    { offset: 0, lengthBytes: 15 },
    { offset: 30, lengthBytes: 1 },
  ]);
  t.is(sparseRanges([0, 10, 10, 30], 40, 40, "f"), undefined);
  t.is(sparseRanges([], 0, 0, "f"), undefined);
});

import test from "ava";
import { FormatError } from "../../src/model/error.ts";
import {
  archive,
  base256,
  entry,
  gnuLong,
  header,
  padded,
  parse,
  parseOne,
  pax,
} from "../helpers/tar.ts";

const text = (map: ReadonlyMap<string, Uint8Array> | undefined, name: string) => {
  const value = map?.get(name);
  return value && Buffer.from(value).toString("latin1");
};

function fails(t: import("ava").ExecutionContext, code: string, tar: Uint8Array): string {
  const error = t.throws(() => parse(tar), { instanceOf: FormatError });
  t.is(error.code, code);
  // Whatever the pieces, the verdict is the same.
  t.is(t.throws(() => parse(tar, 7), { instanceOf: FormatError }).code, code);
  return error.message;
}

test("an entry tells all that its header says", (t) => {
  const found = parseOne(
    entry(
      { name: "bin/sh", mode: 0o104755, uid: 12, gid: 34, mtime: 1_700_000_000, prefix: "usr" },
      "hello",
    ),
  );
  t.deepEqual(found, {
    path: "usr/bin/sh",
    type: "file",
    linkTarget: "",
    mode: 0o4755,
    uid: 12,
    gid: 34,
    mtimeSeconds: 1_700_000_000,
    xattrs: undefined,
    sizeBytes: 5,
    dataOffset: 512,
    storedBytes: 5,
    data: undefined,
    major: 0,
    minor: 0,
  });
});

test("every type is known, and only files have data", (t) => {
  const found = parse(
    archive(
      entry({ name: "old", type: "\0" }, "1"),
      entry({ name: "contiguous", type: "7" }, "22"),
      entry({ name: "hard", type: "1", linkName: "old", size: 4096 }),
      entry({ name: "soft", type: "2", linkName: "a/b", size: 9 }),
      entry({ name: "char", type: "3", major: 5, minor: 1, size: 9 }),
      entry({ name: "block", type: "4", major: 259, minor: 70_000, size: 9 }),
      entry({ name: "dir", type: "5", size: 100_000 }),
      entry({ name: "pipe", type: "6", size: 9 }),
      entry({ name: "dump", type: "D", magic: "gnu" }, "Yfile\0"),
      entry({ name: "last" }, "333"),
    ),
  );
  t.deepEqual(
    found.map((e) => [e.path, e.type, e.sizeBytes, e.storedBytes, e.dataOffset]),
    [
      ["old", "file", 1, 1, 512],
      ["contiguous", "file", 2, 2, 1536],
      ["hard", "hard-link", 0, 0, 2560],
      ["soft", "symlink", 0, 0, 3072],
      ["char", "character-device", 0, 0, 3584],
      ["block", "block-device", 0, 0, 4096],
      ["dir", "directory", 0, 0, 4608],
      ["pipe", "fifo", 0, 0, 5120],
      ["dump", "directory", 0, 0, 5632],
      ["last", "file", 3, 3, 6656],
    ],
  );
  t.deepEqual([found[2]?.linkTarget, found[3]?.linkTarget], ["old", "a/b"]);
  t.deepEqual([found[4]?.major, found[4]?.minor], [5, 1]);
  t.deepEqual([found[5]?.major, found[5]?.minor], [259, 70_000]);
});

test("v7 archives have no magic, no prefix and directories by their slash", (t) => {
  const found = parse(
    archive(
      entry({ name: "dir/", type: "\0", magic: "v7" }),
      entry({ name: "dir/file", type: "\0", magic: "v7", raw: { 345: "rubbish" } }, "x"),
      entry({ name: "also/", type: "0" }),
    ),
  );
  t.deepEqual(
    found.map((e) => [e.path, e.type]),
    [
      ["dir/", "directory"],
      ["dir/file", "file"],
      ["also/", "directory"],
    ],
  );
});

test("a name may fill its field, without a NUL", (t) => {
  const name = "n".repeat(100);
  const prefix = "p".repeat(155);
  t.is(parseOne(entry({ name, prefix })).path, `${prefix}/${name}`);
  t.is(parseOne(entry({ name, linkName: "l".repeat(100), type: "2" })).linkTarget, "l".repeat(100));
});

test("star's prefix ends before its times, and GNU has none", (t) => {
  const prefix = `${"p".repeat(131)}00000000000\x0011111111111\0`;
  t.is(parseOne(entry({ magic: "star", prefix })).path, `${"p".repeat(131)}/x`);
  t.is(parseOne(entry({ magic: "gnu", prefix })).path, "x");
});

test("names that are not UTF-8 keep their bytes", (t) => {
  t.is(parseOne(entry({ name: Buffer.from([0x61, 0xff, 0xe9]) })).path, "a\u00ff\u00e9");
  t.is(parseOne(pax([["path", Buffer.from([0xc3, 0xff])]]), entry({})).path, "\u00c3\u00ff");
});

test("GNU's long names and links", (t) => {
  const long = "d/".repeat(3000);
  const found = parse(
    archive(
      gnuLong("L", `${long}file`),
      entry({ name: "cut", magic: "gnu" }),
      gnuLong("K", `${long}target`),
      gnuLong("L", `${long}link`),
      entry({ name: "cut", type: "2", linkName: "cut", magic: "gnu" }),
      entry({ name: "short", magic: "gnu" }),
    ),
  );
  t.deepEqual(
    found.map((e) => [e.path, e.linkTarget]),
    [
      [`${long}file`, ""],
      [`${long}link`, `${long}target`],
      ["short", ""],
    ],
  );
});

test("numbers: blanks, empty fields, base-256, negative ones", (t) => {
  const found = parseOne(
    entry({
      raw: {
        100: "   644 \0",
        108: base256(4_294_967_294n, 8),
        116: "\0\0\0\0\0\0\0\0",
        136: base256(-2n, 12),
      },
    }),
  );
  t.deepEqual(
    [found.mode, found.uid, found.gid, found.mtimeSeconds],
    [0o644, 4_294_967_294, 0, -2],
  );
  t.is(parseOne(entry({ raw: { 136: base256(2n ** 40n, 12) } })).mtimeSeconds, 2 ** 40);
});

test("sizes beyond 8 GiB, as base-256 and as a record", (t) => {
  const size = 9 * 2 ** 30;
  for (const head of [
    [header({ raw: { 124: base256(BigInt(size), 12) } })],
    [pax([["size", String(size)]]), header({})],
  ]) {
    const tar = Buffer.concat(head);
    const message = fails(t, "tar/truncated", tar);
    t.regex(message, new RegExp(`after ${tar.length} bytes`));
  }
});

const withRaw = (raw: Record<number, string | Uint8Array>) => archive(entry({ raw }));

test("numbers that are none, or that can't be held, are refused", (t) => {
  for (const at of [100, 108, 116, 124, 136]) {
    fails(t, "tar/bad-number", withRaw({ [at]: "zzzz\0" }));
    fails(t, "tar/bad-number", withRaw({ [at]: "12 9\0".replace(" ", "8") }));
  }
  fails(t, "tar/bad-number", withRaw({ 124: base256(2n ** 60n, 12) }));
  fails(t, "tar/bad-number", withRaw({ 124: base256(-1n, 12) }));
  fails(t, "tar/bad-number", withRaw({ 108: base256(-1n, 8) }));
  fails(t, "tar/bad-number", withRaw({ 108: base256(2n ** 32n - 1n, 8) }));
  fails(t, "tar/bad-number", withRaw({ 136: base256(2n ** 70n, 12) }));
  for (const [keyword, value] of [
    ["size", "12x"],
    ["size", "-1"],
    ["size", "9007199254740992"],
    ["uid", "4294967295"],
    ["gid", "1e3"],
    ["mtime", "yesterday"],
    ["mtime", "99999999999999999"],
  ] as const) {
    fails(t, "tar/bad-number", archive(pax([[keyword, value]]), entry({})));
  }
});

test("a damaged checksum is found; signed sums are fine", (t) => {
  const name = Buffer.from([0xe4, 0xf6, 0xfc]);
  t.is(parseOne(entry({ name, signedSum: true })).path, "\u00e4\u00f6\u00fc");
  const message = fails(
    t,
    "tar/checksum",
    archive(entry({}, "x"), entry({ checksum: "0000001\0" })),
  );
  t.is(message, "test.tar, byte 1024: the tar header's checksum is wrong");
  fails(t, "tar/checksum", archive(Buffer.alloc(512, "not a tar archive ")));
});

test("records overrule the header", (t) => {
  const found = parseOne(
    pax([
      ["path", "new/name"],
      ["linkpath", "elsewhere"],
      ["uid", "3000000000"],
      ["gid", "4294967294"],
      ["mtime", "1700000000.987654321"],
      ["comment", "nothing"],
      ["SCHILY.devmajor", "300"],
      ["SCHILY.devminor", "1048577"],
    ]),
    entry({ type: "3", uid: 1, major: 1, minor: 2 }),
  );
  t.like(found, {
    path: "new/name",
    linkTarget: "elsewhere",
    uid: 3_000_000_000,
    gid: 4_294_967_294,
    mtimeSeconds: 1_700_000_000,
    major: 300,
    minor: 1_048_577,
  });
});

const timeOf = (mtime: string) => parseOne(pax([["mtime", mtime]]), entry({})).mtimeSeconds;

test("times before 1970 are rounded down", (t) => {
  t.is(timeOf("-1.5"), -2);
  t.is(timeOf("-1"), -1);
  t.is(timeOf("0.999"), 0);
  t.is(timeOf("5."), 5);
});

test("values of records may hold line feeds, NULs and equals signs", (t) => {
  const value = "a\n12 path=evil\n\0=\u00ff";
  const found = parseOne(
    pax([
      ["path", "two\nlines"],
      ["SCHILY.xattr.user.bin", value],
      ["SCHILY.xattr.user.empty", ""],
      ["SCHILY.xattr.user.a%3Db%2525", "x"],
    ]),
    entry({}),
  );
  t.is(found.path, "two\nlines");
  t.is(found.xattrs?.size, 3);
  t.is(text(found.xattrs, "user.bin"), value);
  t.is(text(found.xattrs, "user.empty"), "");
  t.is(text(found.xattrs, "user.a=b%25"), "x");
});

test("bsdtar's extended attributes count where SCHILY's are missing", (t) => {
  const found = parseOne(
    pax([
      ["LIBARCHIVE.xattr.user.both", "bGli"],
      ["SCHILY.xattr.user.both", "schily"],
      ["SCHILY.xattr.user.turned", "schily"],
      ["LIBARCHIVE.xattr.user.turned", "bGli"],
      ["LIBARCHIVE.xattr.user.a%3db", Buffer.from([0, 255]).toString("base64").replaceAll("=", "")],
    ]),
    entry({}),
  );
  t.is(text(found.xattrs, "user.both"), "schily");
  t.is(text(found.xattrs, "user.turned"), "schily");
  t.is(text(found.xattrs, "user.a=b"), "\0\u00ff");
  t.is(found.xattrs?.size, 3);
});

test("global records hold until they are taken back", (t) => {
  const found = parse(
    archive(
      pax(
        [
          ["uid", "7"],
          ["comment", "0123abcd"],
        ],
        "g",
      ),
      entry({ name: "a" }),
      pax([["uid", "8"]]),
      entry({ name: "b" }),
      entry({ name: "c", uid: 3 }),
      pax([["uid", ""]]),
      entry({ name: "d", uid: 3 }),
      pax(
        [
          ["uid", ""],
          ["SCHILY.xattr.user.x", "y"],
        ],
        "g",
      ),
      entry({ name: "e", uid: 3 }),
    ),
  );
  t.deepEqual(
    found.map((e) => e.uid),
    [7, 8, 7, 3, 3],
  );
  t.is(text(found[4]?.xattrs, "user.x"), "y");
});

const withRecords = (records: string) => archive(entry({ type: "x" }, records), entry({}));

test("malformed records are refused", (t) => {
  for (const records of [
    "12 path=a\n", // too long
    "8 path=a\n", // too short
    "9 path=a\nrest",
    "9 path=ab9 path=c\n", // no line feed where the first one ends
    "9 path=a\n\0\0\0",
    "path=a\n",
    "x path=a\n",
    "7 patha\n",
    "5 =a\n",
    "99999999999999999999 path=a\n",
    "0 path=a\n",
    " 9 path=a\n",
  ]) {
    fails(t, "tar/bad-extended-header", withRecords(records));
  }
  t.is(parse(withRecords("10 path=a\n"))[0]?.path, "a");
  fails(t, "tar/bad-extended-header", archive(pax([["path", "a\0b"]]), entry({})));
  fails(t, "tar/bad-extended-header", archive(pax([["linkpath", "a\0b"]]), entry({ type: "2" })));
});

test("a huge extended header is refused before its bytes come", (t) => {
  const head = header({ type: "x", raw: { 124: base256(2n ** 40n, 12) } });
  fails(t, "tar/bad-extended-header", head);
});

test("global headers can't pile up without end", (t) => {
  const global = pax([["comment", "x".repeat(8 * 1024 * 1024)]], "g");
  t.is(parse(archive(global, entry({}))).length, 1);
  t.throws(() => parse(archive(global, global, entry({}))), { code: "tar/bad-extended-header" });
});

test("an empty extended header is no trouble", (t) => {
  t.is(parseOne(entry({ type: "x" }), entry({ name: "a" })).path, "a");
});

test("the end: two blocks of zeros, or nothing", (t) => {
  const one = entry({ name: "a" }, "x");
  t.is(parse(Buffer.alloc(0)).length, 0);
  t.is(parse(one).length, 1);
  t.is(parse(Buffer.concat([one, Buffer.alloc(512)])).length, 1);
  t.is(parse(Buffer.concat([one, Buffer.alloc(10_240)])).length, 1);
  t.is(parse(Buffer.concat([archive(one), Buffer.from("rubbish after the end")])).length, 1);
  // The last entry's padding may be missing: all that matters is there.
  t.is(parse(one.subarray(0, 513)).length, 1);
  fails(t, "tar/checksum", Buffer.concat([one, Buffer.alloc(512), one]));
});

test("a cut archive is found, wherever it is cut", (t) => {
  const tar = Buffer.concat([
    pax([["path", "long/name"]]),
    entry({ name: "a" }, Buffer.alloc(700, 1)),
    gnuLong("L", "b"),
    entry({ name: "b", magic: "gnu" }),
  ]);
  const whole = new Set([0, tar.length]);
  // From the last byte of data up to the next header, only padding is missing.
  const dataEnd = 512 + 512 + 512 + 700;
  for (let at = dataEnd; at <= 512 + 512 + 512 + 1024; at++) whole.add(at);
  for (let length = 0; length <= tar.length; length++) {
    const cut = tar.subarray(0, length);
    if (whole.has(length)) t.notThrows(() => parse(cut), `cut at ${length}`);
    else {
      const error = t.throws(() => parse(cut), { instanceOf: FormatError }, `cut at ${length}`);
      t.is(error.code, "tar/truncated");
    }
  }
});

test("a size that lies about what follows is found", (t) => {
  fails(t, "tar/truncated", archive(header({ size: 4096 })));
  fails(t, "tar/checksum", archive(header({ size: 0 }), padded("data")));
});

test("unknown types are refused by name", (t) => {
  const message = fails(t, "tar/unknown-type", archive(entry({ name: "part2", type: "M" })));
  t.is(message, 'test.tar, part2: entries of the type "M" are not known');
  fails(t, "tar/unknown-type", archive(entry({ type: "S", magic: "star" })));
});

test("a volume label is passed over", (t) => {
  t.is(
    parseOne(entry({ name: "Backup", type: "V", magic: "gnu" }), entry({ name: "a" })).path,
    "a",
  );
});

test("pieces of any size give the same entries", (t) => {
  const tar = archive(
    pax([
      ["path", "p".repeat(600)],
      ["SCHILY.xattr.user.x", "\0\n"],
    ]),
    entry({ mtime: 5 }, "x".repeat(1000)),
    gnuLong("L", "l".repeat(700)),
    entry({ type: "5", magic: "gnu" }),
  );
  const whole = parse(tar);
  t.is(whole.length, 2);
  for (const pieceBytes of [1, 3, 511, 512, 513, 1000, 4096]) {
    t.deepEqual(parse(tar, pieceBytes), whole, `pieces of ${pieceBytes}`);
  }
});

test("what a callback throws comes out of push", (t) => {
  const tar = archive(entry({ name: "a" }));
  t.notThrows(() => parse(tar));
  t.throws(() => parse(archive(entry({ name: "a" }), entry({ type: "?" }))), {
    code: "tar/unknown-type",
  });
});

import test from "ava";
import fc from "fast-check";
import { readElf } from "../../src/elf/elf-file.ts";
import { FormatError } from "../../src/model/error.ts";
import { elfFile } from "../helpers/elf.ts";

const read = (bytes: Uint8Array) =>
  readElf((offset, length) => bytes.subarray(offset, offset + length), "prog");

const full = {
  interpreter: "/lib64/ld-linux-x86-64.so.2",
  needed: ["libb.so.1", "liba.so.2", "libc.so.6"],
  soname: "libx.so.1",
  rpath: "$ORIGIN/../lib:/opt",
  runpath: "/opt/b",
};

for (const bits of [32, 64] as const) {
  for (const isLittleEndian of [true, false]) {
    test(`${bits} bits, ${isLittleEndian ? "little" : "big"} endian`, (t) => {
      const found = read(
        elfFile({ ...full, bits, isLittleEndian, machine: 258, flags1: 0x8000800 }),
      );
      t.deepEqual(found, { ...full, bits, isLittleEndian, machine: 258, noDefaultFolders: true });
    });
  }
}

test("a static program needs nothing", (t) => {
  const found = read(elfFile({ flags1: 0x08000000 }));
  t.like(found, { interpreter: undefined, soname: undefined, rpath: undefined });
  t.deepEqual(found?.needed, []);
  t.false(found?.noDefaultFolders);
  const bare = Buffer.from(elfFile().subarray(0, 64));
  bare.writeUInt16LE(0, 56);
  t.deepEqual(read(bare)?.needed, []);
});

test("names are bytes", (t) => {
  t.deepEqual(read(elfFile({ needed: ["lib\u00ff.so"] }))?.needed, ["lib\u00ff.so"]);
});

test("what is no ELF file is none", (t) => {
  t.is(read(Buffer.from("#!/bin/sh\n")), undefined);
  t.is(read(new Uint8Array()), undefined);
  t.is(read(Buffer.from("\x7fEL", "latin1")), undefined);
});

test("a file cut off anywhere is damaged, or has lost nothing that counts", (t) => {
  const bytes = elfFile(full);
  const whole = read(bytes);
  for (let length = 4; length < bytes.length; length++) {
    try {
      t.deepEqual(read(bytes.subarray(0, length)), whole);
    } catch (error) {
      t.true(error instanceof FormatError && error.code === "elf/damaged", `cut at ${length}`);
    }
  }
});

const broken = (at: number, value: number, length = 8) => {
  const bytes = Buffer.from(elfFile(full));
  bytes.fill(0, at, at + length);
  bytes.writeUIntLE(value, at, Math.min(length, 6));
  return bytes;
};

test("impossible counts, sizes and addresses are refused", (t) => {
  const dynamicHeader = 64 + 2 * 56;
  for (const bytes of [
    broken(4, 3, 1), // class
    broken(5, 0, 1), // byte order
    broken(32, 2 ** 47), // place of the program headers
    broken(54, 10, 2), // their size
    broken(56, 0xffff, 2), // their number
    broken(dynamicHeader + 8, 2 ** 47),
    broken(dynamicHeader + 32, 2 ** 40),
    broken(64 + 16, 0x900000), // nothing is loaded where the texts should be
    broken(64 + 56 + 32, 3), // a loader's name without an end
  ]) {
    t.throws(() => read(bytes), { instanceOf: FormatError, code: "elf/damaged" });
  }
});

test("a name beyond the string table is refused", (t) => {
  t.deepEqual(read(elfFile({ needed: ["a"], textBytes: 3 }))?.needed, ["a"]);
  t.throws(() => read(elfFile({ needed: ["a"], textBytes: 1 })), { code: "elf/damaged" });
});

test("addresses are looked up in the segment that holds them", (t) => {
  const bytes = Buffer.from(elfFile({ needed: ["liba.so"] }));
  const [first, second] = [64, 64 + 56];
  // What was a note becomes the segment of the whole file, behind one at a higher address.
  bytes.copy(bytes, second, first, first + 56);
  bytes.writeUIntLE(0x900000, first + 16, 6);
  t.deepEqual(read(bytes)?.needed, ["liba.so"]);
});

test("damaged bytes never do worse than an error", (t) => {
  const whole = elfFile(full);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
        }
      },
    ),
    { numRuns: 5000 },
  );
  t.pass();
});

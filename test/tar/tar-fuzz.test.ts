import test from "ava";
import fc from "fast-check";
import { FormatError } from "../../src/model/error.ts";
import { archive, entry, gnuLong, parse, pax } from "../helpers/tar.ts";

const sample = archive(
  pax(
    [
      ["comment", "global"],
      ["uid", "5"],
    ],
    "g",
  ),
  entry({ name: "dir/", type: "5" }),
  pax([
    ["path", "p".repeat(120)],
    ["mtime", "1.5"],
    ["SCHILY.xattr.user.x", "\0\n"],
  ]),
  entry({}, "hello"),
  gnuLong("L", "l".repeat(150)),
  entry({ type: "2", linkName: "target", magic: "gnu" }),
  pax([
    ["GNU.sparse.size", "10000"],
    ["GNU.sparse.map", "100,2,9000,1"],
  ]),
  entry({ name: "sparse" }, "abc"),
);

/** Puts right the checksum of the block that a change is in, so that what lies behind it is reached. */
function mended(tar: Buffer, at: number): void {
  const block = tar.subarray(at - (at % 512), at - (at % 512) + 512);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

test("damaged archives never do worse than an error that says so", (t) => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255), fc.boolean()), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.integer({ min: 1, max: 2000 }),
      (changes, pieceBytes) => {
        const tar = Buffer.from(sample);
        for (const [at, value, mend] of changes) {
          tar[at] = value;
          if (mend) mended(tar, at);
        }
        try {
          for (const found of parse(tar, pieceBytes)) {
            const stored = found.data?.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
            const isSound =
              found.dataOffset + found.storedBytes <= tar.length &&
              found.storedBytes === (stored ?? found.sizeBytes) &&
              [found.uid, found.gid, found.mtimeSeconds, found.sizeBytes].every(
                Number.isSafeInteger,
              );
            if (!isSound) throw new Error(JSON.stringify(found));
          }
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          refused++;
        }
      },
    ),
    { numRuns: 4000 },
  );
  t.true(refused > 400, `${refused} were refused`);
});

test("random bytes are no archive", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 512, maxLength: 3000 }), (bytes) => {
      try {
        parse(bytes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  t.pass();
});

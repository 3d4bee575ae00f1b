import { inflateSync } from "node:zlib";
import test from "ava";
import { zlib } from "libdeflate";
import { Libdeflate } from "../../src/squashfs/libdeflate.ts";

/** Bytes like those of texts, of programs and of noise, the same on every run. */
function sample(lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  let state = 12345;
  for (let at = 0; at < lengthBytes; at += 1) {
    state = (Math.imul(state, 1103515245) + 12345) % 0x8000_0000;
    const kind = Math.floor(at / 30_000) % 4;
    const noise = Math.abs(state) >> 8;
    if (kind === 0) bytes[at] = 97 + (noise % 5) * (noise % 3);
    else if (kind === 1) bytes[at] = at % (noise % 64 === 0 ? 7 : 61);
    else if (kind === 2) bytes[at] = noise;
  }
  return bytes;
}

const lengths = [0, 1, 2, 100, 8192, 131_072, 262_144, 1_048_575, 1_048_576];

test("the module makes the bytes that libdeflate's package makes", (t) => {
  const libdeflate = new Libdeflate();
  const all = sample(1_048_576);
  const output = Buffer.alloc(all.length);
  for (const level of [1, 2, 5, 6, 9, 10, 12]) {
    for (const length of lengths) {
      const input = all.subarray(all.length - length);
      const written = libdeflate.compress(level, input, output);
      const expected = Buffer.from(zlib(input, level));
      if (expected.length >= length) t.is(written, 0, `level ${level}, ${length} bytes`);
      else {
        t.true(output.subarray(0, written).equals(expected), `level ${level}, ${length} bytes`);
        t.true(inflateSync(output.subarray(0, written)).equals(input));
      }
    }
  }
});

test("what doesn't get smaller is left alone", (t) => {
  const libdeflate = new Libdeflate();
  const noise = Buffer.from(sample(120_000).subarray(60_000, 90_000));
  const output = Buffer.alloc(noise.length, 7);
  t.is(libdeflate.compress(6, noise, output), 0);
  t.true(output.every((value) => value === 7));
});

test("lengths and levels that can't be are refused", (t) => {
  const libdeflate = new Libdeflate();
  const long = Buffer.alloc(1_048_577);
  t.throws(() => libdeflate.compress(6, long, long), { instanceOf: RangeError });
  t.throws(() => libdeflate.compress(13, Buffer.alloc(10), Buffer.alloc(10)), {
    message: /no level 13/,
  });
});

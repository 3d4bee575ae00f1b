import test from "ava";
import { LineSplitter } from "../../src/system/line-splitter.ts";

const split = (...parts: (string | Buffer)[]): string[] => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const part of parts) splitter.write(Buffer.from(part));
  splitter.end();
  return lines;
};

test("puts lines together across pieces, and the last one without a line feed", (t) => {
  t.deepEqual(split("a", "b\nc\n", "\nd"), ["ab", "c", "", "d"]);
});

test("an empty stream has no line", (t) => {
  t.deepEqual(split(), []);
});

test("a character cut in two is whole again", (t) => {
  const bytes = Buffer.from("grün\n");
  t.deepEqual(split(bytes.subarray(0, 3), bytes.subarray(3)), ["grün"]);
});

test("drops a carriage return before the line feed only", (t) => {
  t.deepEqual(split("10%\r20%\r\nend\r\n"), ["10%\r20%", "end"]);
});

test("does not keep a line that never ends", (t) => {
  t.is(split("x".repeat(3 << 20)).join("").length, 3 << 20);
  t.true(split("x".repeat(2 << 20), "x").length > 1);
});

import test from "ava";
import { formatElapsed, formatSize } from "../../src/cli/quantity.ts";

const sizes: readonly (readonly [bytes: number, text: string])[] = [
  [0, "0 B"],
  [1, "1 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [102_400, "100 KiB"],
  [1_048_575, "1.0 MiB"],
  [5_452_595, "5.2 MiB"],
  [3 * 1024 ** 3, "3.0 GiB"],
  [5000 * 1024 ** 4, "5000 TiB"],
];

for (const [bytes, text] of sizes) {
  test(`${bytes} bytes are ${text}`, (t) => {
    t.is(formatSize(bytes), text);
  });
}

const times: readonly (readonly [elapsedMs: number, text: string])[] = [
  [0, "0.0s"],
  [49, "0.0s"],
  [1234, "1.2s"],
  [59_940, "59.9s"],
  [59_960, "1m00s"],
  [65_000, "1m05s"],
  [3_599_600, "1h00m"],
  [3_720_000, "1h02m"],
];

for (const [elapsedMs, text] of times) {
  test(`${elapsedMs} ms are ${text}`, (t) => {
    t.is(formatElapsed(elapsedMs), text);
  });
}

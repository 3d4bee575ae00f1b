import test from "ava";
import { lossesOfIds } from "../../src/isolation/namespace-isolation.ts";

const map = (count: number) => [
  { inside: 0, outside: 1000, count: 1 },
  { inside: 1, outside: 100_000, count },
];

test("nothing is lost with as many ids as distributions give, one more or less for the user", (t) => {
  t.deepEqual(lossesOfIds(map(65_536), true), []);
  // As root of a rootless container has them.
  t.deepEqual(lossesOfIds(map(65_535), true), []);
});

test("owners beyond the last id are said to be lost", (t) => {
  t.deepEqual(lossesOfIds(map(5000), true), [
    "only the user ids 0 to 5000 can be owners of files; the image may need up to 65535",
  ]);
});

test("devices are said to be lost where nobody can note them", (t) => {
  t.deepEqual(lossesOfIds(map(65_536), false), [
    "devices that a script makes are not in the image",
  ]);
});

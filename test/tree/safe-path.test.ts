import test from "ava";
import { pathInside, splitPath } from "../../src/tree/safe-path.ts";

test("slashes and dots that say nothing are dropped", (t) => {
  for (const split of [splitPath, pathInside]) {
    t.deepEqual(split("/usr//./bin/"), ["usr", "bin"]);
    t.deepEqual(split(""), []);
    t.deepEqual(split("/"), []);
    t.deepEqual(split("..."), ["..."]);
  }
});

test("splitPath refuses every .., pathInside those that lead out", (t) => {
  t.throws(() => splitPath("a/../b"), { code: "tree/path-escape" });
  t.deepEqual(pathInside("a/../b"), ["b"]);
  t.deepEqual(pathInside("a/.."), []);
  t.throws(() => pathInside("a/../../b"), { code: "tree/path-escape" });
  t.throws(() => pathInside("/.."), { code: "tree/path-escape" });
});

test("names that no file system takes are refused, the longest that it takes are not", (t) => {
  for (const split of [splitPath, pathInside]) {
    t.throws(() => split("a/b\0c"), { code: "tree/bad-name" });
    t.throws(() => split(`a/${"n".repeat(256)}`), { code: "tree/bad-name" });
    t.deepEqual(split(`a/${"n".repeat(255)}`), ["a", "n".repeat(255)]);
  }
  t.is(pathInside("d/".repeat(2047)).length, 2047);
  t.throws(() => pathInside("d/".repeat(2048)), { code: "tree/bad-name" });
});

import test from "ava";
import { parseGetsubids, rangesOf } from "../../src/isolation/subordinate-ids.ts";

const file =
  "# comment\nroot:100000:65536\nalice:165536:65536\n1001:300000:1000\nbob:x:10\nalicette:1:9\n\n";

test("finds a user's ranges by name and by number", (t) => {
  t.deepEqual(rangesOf(file, "alice", 1001), [
    { start: 165_536, count: 65_536 },
    { start: 300_000, count: 1000 },
  ]);
  t.deepEqual(rangesOf(file, "carol", 1007), []);
});

test("a damaged line gives nothing", (t) => {
  t.deepEqual(rangesOf(file, "bob", 5), []);
  t.deepEqual(rangesOf("bob:1:0\nbob:4294967295:65536\nbob\nbob:1\n", "bob", 5), []);
});

test("reads what getsubids prints", (t) => {
  t.deepEqual(parseGetsubids("0: alice 165536 65536\n1: alice 300000 1000\n"), [
    { start: 165_536, count: 65_536 },
    { start: 300_000, count: 1000 },
  ]);
  t.deepEqual(parseGetsubids("Error fetching ranges\n"), []);
});

import test from "ava";
import { formatIdMap, mappedIds, parseIdMap } from "../../src/isolation/id-map.ts";

test("reads what the kernel shows", (t) => {
  const rows = parseIdMap("         0       1001          1\n         1     100000      65536\n");
  t.deepEqual(rows, [
    { inside: 0, outside: 1001, count: 1 },
    { inside: 1, outside: 100_000, count: 65_536 },
  ]);
  t.is(mappedIds(rows), 65_537);
  t.is(formatIdMap(rows), "0 1001 1\n1 100000 65536\n");
});

import test from "ava";
import {
  entryVariable,
  formatEntryMark,
  readEntryMark,
  takeEntryMark,
} from "../../src/isolation/entry-mark.ts";

const mark = { way: "subid", uid: 1001, gid: 1002 } as const;
const inside = {
  uid: 0,
  parentPid: 77,
  isInitialNamespace: false,
  uidMap: [
    { inside: 0, outside: 1001, count: 1 },
    { inside: 1, outside: 100_000, count: 65_536 },
  ],
};

test("a mark that is true is read back", (t) => {
  t.deepEqual(readEntryMark(formatEntryMark(mark, 77), inside), mark);
});

test("a container's root that maps every id to itself is told from the machine's by its namespace", (t) => {
  const every = { ...inside, uidMap: [{ inside: 0, outside: 0, count: 0xffff_ffff }] };
  const ident = { way: "ident", uid: 0, gid: 0 } as const;
  t.deepEqual(readEntryMark(formatEntryMark(ident, 77), every), ident);
  t.is(
    readEntryMark(formatEntryMark(ident, 77), { ...every, isInitialNamespace: true }),
    undefined,
  );
});

test("a mark is not believed by what is not root, another's child, or somewhere else", (t) => {
  const value = formatEntryMark(mark, 77);
  t.is(readEntryMark(value, { ...inside, uid: 1001 }), undefined);
  t.is(readEntryMark(value, { ...inside, parentPid: 78 }), undefined);
  t.is(
    readEntryMark(value, { ...inside, uidMap: [{ inside: 0, outside: 1003, count: 1 }] }),
    undefined,
  );
  t.is(readEntryMark(value, { ...inside, isInitialNamespace: true }), undefined);
});

test("nonsense is no mark", (t) => {
  for (const value of [
    undefined,
    "",
    "1",
    "root:0:0:77",
    "subid:1001:1002",
    "subid:1001:1002:77 ",
  ]) {
    t.is(readEntryMark(value, inside), undefined, value);
  }
});

test("the variable is taken out of the environment, true or not", (t) => {
  const environment: Record<string, string | undefined> = {
    [entryVariable]: "subid:1:1:1",
    A: "a",
  };
  t.is(
    takeEntryMark(environment, () => "0 1 1\n"),
    undefined,
  );
  t.deepEqual(environment, { A: "a" });
});

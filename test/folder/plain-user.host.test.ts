import { chownSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import type { TreeList } from "../helpers/list-tree.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import {
  asPlainUser,
  asRootOfMany,
  asSingleRoot,
  nobodyInParticular,
  runAs,
} from "../helpers/run-as.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
chmodSync(scratch, 0o755);
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

interface Result {
  readonly entries: TreeList;
  readonly again: TreeList;
  readonly remembered: number;
}

function roundTrip(
  name: string,
  owner: number,
  prefix: readonly string[],
  wantedOwner: object = {},
): Result {
  const parent = join(scratch, name);
  mkdirSync(parent);
  chownSync(parent, owner, owner);
  const folder = join(parent, "root");
  const script = join(import.meta.dirname, "round-trip-fixture.ts");
  const result = runAs(prefix, script, [folder, JSON.stringify(wantedOwner)]) as Result;
  if (existsSync(folder)) throw new Error("the folder was not removed");
  return result;
}

for (const [who, prefix] of [
  ["a plain user", asPlainUser],
  ["root of a user namespace with one user", asSingleRoot],
] as const) {
  hostTest("root", isRoot, `${who} gets back what the disk can't hold`, async (t) => {
    const {
      entries,
      again: after,
      remembered,
    } = roundTrip(who.slice(0, 4), nobodyInParticular, prefix);
    const wanted = await treeEntries(nastyTree());
    const { "made-by-a-script": made, ...again } = after;
    t.like(made, { uid: 0, gid: 0 });
    t.is(describeDifferences(compareTrees(wanted, entries)), "");
    t.is(describeDifferences(compareTrees(wanted, again)), "", "a second reading gives the same");
    t.true(remembered > 5);
  });
}

hostTest("root", isRoot, "a plain user's own id is kept apart from root's", async (t) => {
  const own = { uid: nobodyInParticular, gid: nobodyInParticular };
  const { entries, again } = roundTrip("own", nobodyInParticular, asPlainUser, own);
  t.is(describeDifferences(compareTrees(await treeEntries(nastyTree(own)), entries)), "");
  t.is(again["etc/passwd"]?.uid, nobodyInParticular);
  t.is(again["made-by-a-script"]?.uid, 0);
});

hostTest(
  "root",
  isRoot,
  "in a user namespace with many users only devices and trusted attributes are remembered",
  async (t) => {
    const { entries, remembered } = roundTrip("many", nobodyInParticular, asRootOfMany);
    t.is(describeDifferences(compareTrees(await treeEntries(nastyTree()), entries)), "");
    t.is(remembered, 3);
  },
);

import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readFolder } from "../../src/folder/read-folder.ts";
import { removeFolderTree } from "../../src/system/remove-folder-tree.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree } from "../helpers/list-tree.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

hostTest("root", isRoot, "as root, everything in a tree arrives on disk", async (t) => {
  const folder = join(scratch, "written");
  const tree = nastyTree();
  const ledger = await writeFolder(tree, folder);
  t.is(ledger.size, 0, "nothing had to be remembered");
  const differences = compareTrees(await treeEntries(tree), listTree(folder));
  t.is(describeDifferences(differences), "");
  await removeFolderTree(folder);
});

hostTest("root", isRoot, "as root, a folder is read as it is on disk", async (t) => {
  const folder = join(scratch, "read");
  await writeFolder(nastyTree(), folder);
  const differences = compareTrees(await treeEntries(await readFolder(folder)), listTree(folder));
  t.is(describeDifferences(differences), "");
  await removeFolderTree(folder);
});

hostTest("root", isRoot, "holes stay holes on disk", async (t) => {
  const folder = join(scratch, "holes");
  await writeFolder(nastyTree(), folder);
  t.true(lstatSync(join(folder, "data/sparse")).blocks * 512 <= 65_536);
  t.is(lstatSync(join(folder, "data/hole")).blocks, 0);
  await writeFolder(await readFolder(folder), `${folder}-again`);
  t.true(lstatSync(join(`${folder}-again`, "data/sparse")).blocks * 512 <= 65_536);
  t.is(lstatSync(join(`${folder}-again`, "data/hole")).blocks, 0);
  await removeFolderTree(`${folder}-again`);
  await removeFolderTree(folder);
});

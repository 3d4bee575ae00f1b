import { lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { Ledger } from "../../src/folder/ledger.ts";
import { readFolder } from "../../src/folder/read-folder.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import type { Node } from "../../src/model/node.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree } from "../helpers/list-tree.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(scratch, String(++folders));
const directory = (mode: number): Node => ({
  type: "directory",
  mode,
  uid: 3,
  gid: 4,
  mtimeSeconds: 77,
});

/** Writes the tree into the folder, which holds `previous`, and gives in what the disk differs. */
async function update(tree: FileTree, folder: string, previous: FileTree): Promise<string> {
  const wanted = await treeEntries(tree);
  await writeFolder(tree, folder, { previous });
  return describeDifferences(compareTrees(wanted, listTree(folder)));
}

/** The same change, once on the tree that was written and once on the tree read back. */
function changeTest(title: string, change: (tree: FileTree) => void): void {
  for (const from of ["written", "read"] as const) {
    hostTest("root", isRoot, `${title}, in a tree that was ${from}`, async (t) => {
      const folder = newFolder();
      const written = nastyTree();
      await writeFolder(written, folder);
      const previous = from === "written" ? written : await readFolder(folder);
      const next = previous.clone();
      change(next);
      t.is(await update(next, folder, previous), "");
    });
  }
}

changeTest("nothing changes", () => {});
changeTest("names get new inodes that look like those that moved away from them", (tree) => {
  for (const path of ["etc/mtab", "etc/shadow", "special/null"]) {
    const node = tree.get(path) as Node;
    tree.put(`${path}-moved`, node);
    tree.put(path, { ...node });
  }
});
changeTest("a file is added, changed, removed", (tree) => {
  tree.put("etc/new", textFile("new"));
  tree.put("etc/passwd", textFile("changed", { mode: 0o600 }));
  tree.remove("etc/old");
});
changeTest("types change places", (tree) => {
  tree.put("etc", textFile("was a directory"));
  tree.put("bin/su", directory(0o700));
  tree.put("bin/su/below", textFile("below"));
  tree.put("special/null", { ...directory(0o777), type: "symlink", target: "zero" });
  tree.put("special/pipe", textFile("was a pipe"));
  tree.put("names", { ...directory(0o600), type: "fifo" });
});
changeTest("a directory is closed, another opened", (tree) => {
  tree.put("etc", directory(0));
  tree.put("closed", directory(0o755));
  tree.put("closed/new", textFile("new"));
});
changeTest("attributes change", (tree) => {
  for (const path of ["bin/ping", "etc/shadow", "etc/mtab", "special/sock", "xattrs/many"]) {
    tree.put(path, {
      ...(tree.get(path) as Node),
      uid: 9,
      mode: path === "etc/mtab" ? 0o777 : 0o6711,
      xattrs: path.startsWith("xattrs") ? new Map([["user.new", Buffer.from("v")]]) : undefined,
    });
  }
});
changeTest("an attribute of one name of three changes", (tree) => {
  tree.put("bin/perl", { ...(tree.get("bin/perl") as Node), mode: 0o700 });
});
changeTest("an attribute of all names changes", (tree) => {
  const node = { ...(tree.get("bin/perl") as Node), mode: 0o700 };
  for (const path of ["bin/perl", "bin/perl5.36.0", "usr/lib/deep/perl"]) tree.put(path, node);
});
changeTest("a file moves", (tree) => {
  tree.link("moved/su", "bin/su");
  tree.remove("bin/su");
});
changeTest("a file moves to where a directory was, out of that directory", (tree) => {
  const inside = tree.get("closed/in") as Node;
  tree.remove("closed");
  tree.put("closed", inside);
});
changeTest("a file moves and gets another mode", (tree) => {
  const file = tree.get("bin/write") as Node;
  tree.remove("bin/write");
  tree.put("data/write", { ...file, mode: 0o100 });
});
changeTest("two files trade places", (tree) => {
  const a = tree.get("bin/su") as Node;
  tree.put("bin/su", tree.get("bin/ping") as Node);
  tree.put("bin/ping", a);
});
changeTest("a link is added and one removed", (tree) => {
  tree.link("usr/perl", "bin/perl");
  tree.link("aaa", "bin/su");
  tree.remove("bin/perl5.36.0");
});
changeTest("everything goes", (tree) => {
  tree.remove("");
});

hostTest("root", isRoot, "what stays the same isn't touched", async (t) => {
  const folder = newFolder();
  await writeFolder(nastyTree(), folder);
  const previous = await readFolder(folder);
  const before = lstatSync(join(folder, "bin/perl"), { bigint: true });
  const next = previous.clone();
  next.put("bin/new", textFile("x"));
  t.is(await update(next, folder, previous), "");
  const after = lstatSync(join(folder, "bin/perl"), { bigint: true });
  t.is(after.ino, before.ino);
  t.is(after.ctimeNs, before.ctimeNs);
});

hostTest("root", isRoot, "any sequence of changes arrives", async (t) => {
  const names = fc.constantFrom("a", "b", "c", "a/x", "a/y", "b/x", "b/y/z", "c/d/e");
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("file"), to: names, text: fc.string({ maxLength: 4 }) }),
    fc.record({ kind: fc.constant("directory"), to: names, mode: fc.constantFrom(0, 0o755) }),
    fc.record({ kind: fc.constant("symlink"), to: names }),
    fc.record({ kind: fc.constant("remove"), to: names }),
    fc.record({ kind: fc.constant("link"), to: names, from: names }),
    fc.record({ kind: fc.constant("move"), to: names, from: names }),
    fc.record({ kind: fc.constant("chmod"), to: names, mode: fc.constantFrom(0, 0o644, 0o4755) }),
  );
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
  const run = (tree: FileTree, step: Operation) => {
    const node = "from" in step ? tree.get(step.from) : tree.get(step.to);
    if (step.kind === "file" && "text" in step) tree.put(step.to, textFile(step.text));
    else if (step.kind === "directory" && "mode" in step) tree.put(step.to, directory(step.mode));
    else if (step.kind === "symlink") {
      tree.put(step.to, { ...directory(0o777), type: "symlink", target: "/a" });
    } else if (step.kind === "remove") tree.remove(step.to);
    else if (node === undefined) return;
    else if (step.kind === "chmod" && "mode" in step) {
      if (node.type !== "symlink") tree.put(step.to, { ...node, mode: step.mode });
    } else if (node.type !== "directory") {
      if (step.kind === "move" && "from" in step) tree.remove(step.from);
      tree.put(step.to, node);
    }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { maxLength: 8 }), { maxLength: 4 }),
      async (rounds) => {
        const folder = newFolder();
        let previous = nastyTree();
        previous.remove("");
        await writeFolder(previous, folder);
        for (const steps of rounds) {
          const next = previous.clone();
          for (const step of steps) run(next, step);
          const different = await update(next, folder, previous);
          if (different !== "") throw new Error(different);
          // Read again, because a moved file's contents are no longer where its node says.
          previous = await readFolder(folder);
        }
      },
    ),
    { numRuns: 60 },
  );
  t.pass();
});

hostTest("root", isRoot, "the ledger stays right over updates", async (t) => {
  const folder = newFolder();
  const ledger = new Ledger();
  await writeFolder(nastyTree(), folder, { ledger });
  const previous = await readFolder(folder, { ledger });
  const next = previous.clone();
  next.put("special/null", textFile("no device any more"));
  await writeFolder(next, folder, { previous, ledger });
  const wanted = await treeEntries(next);
  const found = await treeEntries(await readFolder(folder, { ledger }));
  t.is(describeDifferences(compareTrees(wanted, found)), "");
});

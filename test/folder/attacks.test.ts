// What a script or a layer could leave in a folder to make a later write reach files of the machine.

import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { readFolder } from "../../src/folder/read-folder.ts";
import { removeFolderTree } from "../../src/system/remove-folder-tree.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { HostError } from "../../src/model/error.ts";
import type { Node } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { textFile } from "../helpers/nasty-tree.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtimeSeconds: 1 };
const folderNode: Node = { type: "directory", mode: 0o755, ...owner };
const linkTo = (target: string): Node => ({ type: "symlink", mode: 0o777, ...owner, target });
const text = (content: string) => textFile(content, owner);

interface Scene {
  readonly root: string;
  readonly outside: string;
  readonly secret: string;
  readonly tree: FileTree;
}

let scenes = 0;

/** A folder with `etc/passwd` that a tree was written to, and a folder outside that nothing may reach. */
async function scene(): Promise<Scene> {
  const base = join(scratch, String(++scenes));
  const root = join(base, "root");
  const outside = join(base, "outside");
  mkdirSync(outside, { recursive: true });
  const secret = join(outside, "passwd");
  writeFileSync(secret, "the machine's", { mode: 0o640 });
  const tree = new FileTree(folderNode as never);
  tree.put("etc", folderNode);
  tree.put("etc/passwd", text("the image's"));
  await writeFolder(tree, root);
  return { root, outside, secret, tree };
}

function nothingHappenedOutside(t: ExecutionContext, { outside, secret }: Scene): void {
  t.is(readFileSync(secret, "utf8"), "the machine's");
  t.is(lstatSync(secret).mode & 0o7777, 0o640);
  t.is(lstatSync(secret).nlink, 1);
  t.deepEqual(existsSync(join(outside, "new")), false);
}

for (const [attack, change] of [
  ["adding a file", (tree) => tree.put("etc/new", text("new"))],
  ["changing a file", (tree) => tree.put("etc/passwd", text("changed"))],
  [
    "changing a mode",
    (tree) => tree.put("etc/passwd", { ...(tree.get("etc/passwd") as Node), mode: 0o777 }),
  ],
  ["removing a file", (tree) => tree.remove("etc/passwd")],
  ["adding a directory", (tree) => tree.put("etc/new", folderNode)],
  ["adding a link", (tree) => tree.link("etc/new", "etc/passwd")],
] as readonly [string, (tree: FileTree) => void][]) {
  test(`a directory that became a symlink out of the folder: ${attack}`, async (t) => {
    const place = await scene();
    renameSync(join(place.root, "etc"), join(place.root, "gone"));
    symlinkSync(place.outside, join(place.root, "etc"));
    const next = place.tree.clone();
    change(next);
    const error = await t.throwsAsync(writeFolder(next, place.root, { previous: place.tree }), {
      instanceOf: HostError,
    });
    t.is(error.code, "folder/changed");
    nothingHappenedOutside(t, place);
  });
}

test("a file that became a symlink out of the folder is replaced, not written through", async (t) => {
  const place = await scene();
  unlinkSync(join(place.root, "etc/passwd"));
  symlinkSync(place.secret, join(place.root, "etc/passwd"));
  const next = place.tree.clone();
  next.put("etc/passwd", text("changed"));
  await writeFolder(next, place.root, { previous: place.tree });
  t.is(readFileSync(join(place.root, "etc/passwd"), "utf8"), "changed");
  t.true(lstatSync(join(place.root, "etc/passwd")).isFile());
  nothingHappenedOutside(t, place);
});

test("a file that became a symlink out of the folder gets no attributes at its target", async (t) => {
  const place = await scene();
  unlinkSync(join(place.root, "etc/passwd"));
  symlinkSync(place.secret, join(place.root, "etc/passwd"));
  const next = place.tree.clone();
  next.put("etc/passwd", { ...(next.get("etc/passwd") as Node), mode: 0o4777 });
  await writeFolder(next, place.root, { previous: place.tree });
  nothingHappenedOutside(t, place);
});

test("a symlink where a new file should go is not written through", async (t) => {
  const place = await scene();
  symlinkSync(place.secret, join(place.root, "etc/new"));
  const next = place.tree.clone();
  next.put("etc/new", text("changed"));
  const error = await t.throwsAsync(writeFolder(next, place.root, { previous: place.tree }));
  t.is((error as HostError).code, "folder/changed");
  nothingHappenedOutside(t, place);
});

test("a directory swapped for a symlink is not emptied at its target", async (t) => {
  const place = await scene();
  renameSync(join(place.root, "etc"), join(place.root, "gone"));
  symlinkSync(place.outside, join(place.root, "etc"));
  const next = place.tree.clone();
  next.remove("etc");
  await writeFolder(next, place.root, { previous: place.tree });
  t.false(existsSync(join(place.root, "etc")));
  nothingHappenedOutside(t, place);
});

test("the folder itself as a symlink: an update is refused", async (t) => {
  const place = await scene();
  renameSync(place.root, `${place.root}-moved`);
  symlinkSync(place.outside, place.root);
  const next = place.tree.clone();
  next.put("new", text("new"));
  await t.throwsAsync(writeFolder(next, place.root, { previous: place.tree }), {
    instanceOf: HostError,
  });
  nothingHappenedOutside(t, place);
});

test("symlinks of the tree are written as they are, and nothing below them", async (t) => {
  const place = await scene();
  const next = place.tree.clone();
  next.remove("etc");
  next.put("etc", linkTo(place.outside));
  await writeFolder(next, place.root, { previous: place.tree });
  t.true(lstatSync(join(place.root, "etc")).isSymbolicLink());
  nothingHappenedOutside(t, place);
});

test("reading doesn't follow symlinks out of the folder", async (t) => {
  const place = await scene();
  symlinkSync(place.outside, join(place.root, "out"));
  symlinkSync("..", join(place.root, "etc/up"));
  const tree = await readFolder(place.root);
  t.is(tree.get("out")?.type, "symlink");
  t.is(tree.get("out/passwd"), undefined);
  t.is([...tree.walk()].length, 5);
});

test("removing doesn't follow symlinks out of the folder", async (t) => {
  const place = await scene();
  symlinkSync(place.outside, join(place.root, "out"));
  symlinkSync(place.secret, join(place.root, "etc/secret"));
  await removeFolderTree(place.root);
  t.false(existsSync(place.root));
  nothingHappenedOutside(t, place);
});

test("removing a folder that is a symlink removes the symlink", async (t) => {
  const place = await scene();
  const link = join(scratch, "a-link");
  symlinkSync(place.outside, link);
  await removeFolderTree(link);
  t.false(existsSync(link));
  nothingHappenedOutside(t, place);
});

test("a file of the folder that is also linked outside is replaced, not overwritten", async (t) => {
  const place = await scene();
  linkSync(join(place.root, "etc/passwd"), join(place.outside, "linked"));
  const next = place.tree.clone();
  next.put("etc/passwd", text("changed"));
  await writeFolder(next, place.root, { previous: place.tree });
  t.is(readFileSync(join(place.outside, "linked"), "utf8"), "the image's");
});

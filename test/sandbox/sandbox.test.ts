import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { Isolation } from "../../src/isolation/isolation.ts";
import { HostError } from "../../src/model/error.ts";
import type { Attributes, FileNode } from "../../src/model/node.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

/** Nothing is run here. */
const isolation = {} as Isolation;

const attributes: Attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_000_000 };

const file = (text: string, more: Partial<Attributes> = {}): FileNode => ({
  type: "file",
  ...attributes,
  ...more,
  sizeBytes: text.length,
  content: { kind: "bytes", bytes: Buffer.from(text) },
});

const newFolder = (t: ExecutionContext, parent = tmpdir()): string => {
  const folder = mkdtempSync(join(parent, "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const someTree = (): FileTree => {
  const tree = new FileTree();
  tree.put("etc/name", file("text"));
  tree.put("owned", file("o", { uid: 1234, gid: 5678, mode: 0o4750 }));
  tree.link("second", "owned");
  tree.put("link", { type: "symlink", ...attributes, mode: 0o777, target: "/etc/name" });
  tree.put("null", { type: "character-device", ...attributes, major: 1, minor: 3 });
  return tree;
};

test("a tree that was written comes back, with what the disk can't hold", async (t) => {
  await using sandbox = await Sandbox.create({ temporaryFolder: newFolder(t), isolation });
  await sandbox.write(someTree());
  t.is(statSync(sandbox.rootFolder).mode & 0o777, 0o755);
  t.is(readFileSync(join(sandbox.rootFolder, "etc/name"), "utf8"), "text");
  const tree = await sandbox.read();
  t.like(tree.get("owned"), { type: "file", uid: 1234, gid: 5678, mode: 0o4750 });
  t.is(tree.get("second"), tree.get("owned"));
  t.like(tree.get("null"), { type: "character-device", major: 1, minor: 3 });
  t.like(tree.get("link"), { target: "/etc/name" });
});

test("only what changed is written again", async (t) => {
  await using sandbox = await Sandbox.create({ temporaryFolder: newFolder(t), isolation });
  await sandbox.write(someTree());
  const tree = await sandbox.read();
  const kept = lstatSync(join(sandbox.rootFolder, "owned")).ino;
  tree.put("new", file("new"));
  tree.remove("link");
  await sandbox.write(tree);
  t.is(readFileSync(join(sandbox.rootFolder, "new"), "utf8"), "new");
  t.false(existsSync(join(sandbox.rootFolder, "link")));
  t.is(lstatSync(join(sandbox.rootFolder, "owned")).ino, kept);
  // The tree is the caller's: what happens to it must not be taken for what is on disk.
  tree.put("later", file("later"));
  await sandbox.write(tree);
  t.true(existsSync(join(sandbox.rootFolder, "later")));
});

test("what a script did is in the tree that is read", async (t) => {
  await using sandbox = await Sandbox.create({ temporaryFolder: newFolder(t), isolation });
  await sandbox.write(someTree());
  writeFileSync(join(sandbox.rootFolder, "made"), "by hand");
  rmSync(join(sandbox.rootFolder, "second"));
  const tree = await sandbox.read();
  t.like(tree.get("made"), { type: "file", sizeBytes: 7 });
  t.is(tree.get("second"), undefined);
  t.like(tree.get("owned"), { uid: 1234 });
});

const shm = "/dev/shm";
const targets = [
  tmpdir(),
  ...(existsSync(shm) && statSync(shm).dev !== statSync(tmpdir()).dev ? [shm] : []),
];

for (const parent of targets) {
  test(`can be given away to a folder in ${parent}`, async (t) => {
    const folder = newFolder(t, parent);
    const target = join(folder, "image");
    const temporaryFolder = newFolder(t);
    {
      await using sandbox = await Sandbox.create({ temporaryFolder, isolation });
      await sandbox.write(someTree());
      await sandbox.moveTo(target);
    }
    t.is(readFileSync(join(target, "etc/name"), "utf8"), "text");
    t.is(lstatSync(join(target, "second")).ino, lstatSync(join(target, "owned")).ino);
    t.deepEqual(readdirSync(folder), ["image"]);
    t.deepEqual(readdirSync(temporaryFolder), []);
  });
}

test("a target that can't be is an error that names it, and leaves nothing", async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, "image/full"), { recursive: true });
  await using sandbox = await Sandbox.create({ temporaryFolder: folder, isolation });
  await sandbox.write(someTree());
  const error = await t.throwsAsync(sandbox.moveTo(join(folder, "image")), {
    instanceOf: HostError,
  });
  t.is(error.code, "host/move-sandbox");
  t.true(existsSync(join(sandbox.rootFolder, "etc/name")));
});

test("a folder that is not there is an error with a hint", async (t) => {
  const error = await t.throwsAsync(Sandbox.create({ temporaryFolder: "/nowhere", isolation }), {
    instanceOf: HostError,
  });
  t.is(error.code, "host/temporary-folder");
});

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readFolder } from "../../src/folder/read-folder.ts";
import { removeFolderTree } from "../../src/system/remove-folder-tree.ts";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { HostError } from "../../src/model/error.ts";
import type { FileNode } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { textFile } from "../helpers/nasty-tree.ts";
import { asPlainUser, runAs } from "../helpers/run-as.ts";
import { hostTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
chmodSync(scratch, 0o755);
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const fixture = join(import.meta.dirname, "write-fixture.ts");

/** Runs the fixture where a small file system is mounted on the folder, for it alone. */
const onTmpfs = (options: string, folder: string) => [
  "unshare",
  "--mount",
  "sh",
  "-ec",
  `mount -n -t tmpfs -o ${options} tmpfs '${folder}'; exec "$@"`,
  "sh",
];

for (const [what, options] of [
  ["no space", "size=64k"],
  ["no inode", "nr_inodes=20"],
] as const) {
  hostTest("root", isRoot, `a disk with ${what} left is told as such`, (t) => {
    const folder = mkdtempSync(join(scratch, "full-"));
    const told = runAs(onTmpfs(options, folder), fixture, [join(folder, "root")]);
    t.like(told, { code: "folder/no-space" });
    t.regex((told as { message: string }).message, /can't write \/.* into .*no space/);
    t.regex((told as { hint: string }).hint, /TMPDIR/);
  });
}

hostTest("root", isRoot, "a read-only disk and a foreign folder are told", (t) => {
  const folder = mkdtempSync(join(scratch, "ro-"));
  t.like(runAs(onTmpfs("ro", folder), fixture, [join(folder, "root")]), { code: "folder/write" });
  chmodSync(folder, 0o755);
  t.like(runAs(asPlainUser, fixture, [join(folder, "root")]), { code: "folder/write" });
});

test("a folder that holds something is refused and left alone", async (t) => {
  const folder = join(scratch, "used");
  mkdirSync(folder);
  writeFileSync(join(folder, "mine"), "mine");
  const error = await t.throwsAsync(writeFolder(new FileTree(), folder), { instanceOf: HostError });
  t.is(error?.code, "folder/not-empty");
  t.deepEqual(readdirSync(folder), ["mine"]);
});

test("an empty folder is taken", async (t) => {
  const folder = join(scratch, "empty");
  mkdirSync(folder, { mode: 0o700 });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await writeFolder(
    new FileTree({ type: "directory", mode: 0o755, ...owner, mtimeSeconds: 7 }),
    folder,
  );
  t.is(lstatSync(folder).mode & 0o7777, 0o755);
  t.is(lstatSync(folder).mtimeMs, 7000);
});

/** What this process has open in the folder of this test. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd")
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return "";
      }
    })
    .filter((path) => path.startsWith(`${scratch}/open`));
}

test("no open file is left behind, whether it works or fails", async (t) => {
  const tree = new FileTree();
  for (let i = 0; i < 300; i++) tree.put(`d${i}/e/f`, textFile("x"));
  await writeFolder(tree, join(scratch, "open"));
  await writeFolder(tree, join(scratch, "open-2"));
  const failing: FileNode = {
    ...textFile("abc"),
    content: { kind: "host-file", path: Buffer.from("/nowhere") },
  };
  tree.put("d299/z", failing);
  await t.throwsAsync(writeFolder(tree, join(scratch, "open-3")));
  await removeFolderTree(join(scratch, "open-2"));
  t.deepEqual(openFiles(), []);
});

test("an attribute that the file system has no room for comes back from the ledger", async (t) => {
  const tree = new FileTree();
  // More than ext4 can hold, less than Linux allows.
  const xattrs = new Map([["user.big", Buffer.alloc(50_000, 7)]]);
  tree.put("x", textFile("x", { xattrs }));
  const folder = join(scratch, "big-attribute");
  const ledger = await writeFolder(tree, folder);
  const read = (await readFolder(folder, { ledger })).get("x");
  t.deepEqual(read?.xattrs, xattrs);
});

test("more names than an inode can have make a second inode", async (t) => {
  const tree = new FileTree();
  const node = { ...textFile("x", { mode: 0o751 }), uid: process.getuid?.() ?? 0 };
  // The limit of ext4 is 65,000; others have none to speak of.
  for (let i = 0; i < 65_002; i++) tree.put(`d/${i}`, node);
  const folder = join(scratch, "names");
  await writeFolder(tree, folder);
  const first = lstatSync(join(folder, "d/0"));
  const last = lstatSync(join(folder, "d/65001"));
  t.is(first.nlink + (last.ino === first.ino ? 0 : last.nlink), 65_002);
  t.is(last.mode, first.mode);
  t.is(last.size, 1);
  await removeFolderTree(folder);
});

test("an abort ends the writing", async (t) => {
  const tree = new FileTree();
  for (let i = 0; i < 3000; i++) tree.put(`${i % 10}/${i}`, textFile("x"));
  const controller = new AbortController();
  const folder = join(scratch, "aborted");
  const writing = writeFolder(tree, folder, { signal: controller.signal });
  controller.abort(new Error("stop"));
  await t.throwsAsync(writing, { message: "stop" });
  t.true(existsSync(folder));
});

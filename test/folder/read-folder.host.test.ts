import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readFolder } from "../../src/folder/read-folder.ts";
import { HostError } from "../../src/model/error.ts";
import { asPlainUser, nobodyInParticular, runAs } from "../helpers/run-as.ts";
import { hostTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
chmodSync(scratch, 0o755);
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

test("names of one inode are one node, within the folder only", async (t) => {
  const folder = join(scratch, "links");
  mkdirSync(join(folder, "b"), { recursive: true });
  writeFileSync(join(folder, "a"), "x");
  linkSync(join(folder, "a"), join(folder, "b/a"));
  linkSync(join(folder, "a"), join(scratch, "outside"));
  symlinkSync("a", join(folder, "s"));
  linkSync(join(folder, "s"), join(folder, "b/s"));
  const tree = await readFolder(folder);
  t.is(tree.get("a"), tree.get("b/a"));
  t.is(tree.get("s"), tree.get("b/s"));
  t.not(tree.get("a"), tree.get("s"));
});

test("a symlink as the folder is followed", async (t) => {
  const folder = join(scratch, "real");
  mkdirSync(folder);
  writeFileSync(join(folder, "x"), "x");
  symlinkSync("real", join(scratch, "alias"));
  t.is((await readFolder(join(scratch, "alias"))).get("x")?.type, "file");
});

test("a listening socket is a node", async (t) => {
  const folder = join(scratch, "socket");
  mkdirSync(folder);
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(join(folder, "s"), resolve));
  t.is((await readFolder(folder)).get("s")?.type, "socket");
  server.close();
});

test("times before 1970 round down to whole seconds", async (t) => {
  const folder = join(scratch, "times");
  mkdirSync(folder);
  for (const [name, ms] of [
    ["a", -1],
    ["b", -1000],
    ["c", 1999],
    ["d", 0],
  ] as const) {
    writeFileSync(join(folder, name), "");
    lutimesSync(join(folder, name), new Date(ms), new Date(ms));
  }
  const tree = await readFolder(folder);
  t.deepEqual(
    ["a", "b", "c", "d"].map((name) => tree.get(name)?.mtimeSeconds),
    [-1, -1, 1, 0],
  );
});

test("a folder that isn't there, and a file in its place, are told", async (t) => {
  for (const path of [join(scratch, "nothing"), import.meta.filename]) {
    const error = await t.throwsAsync(readFolder(path), { instanceOf: HostError });
    t.is(error.code, "folder/unreadable");
    t.true(error.message.includes(path));
  }
});

for (const [what, name, mode] of [
  ["file", "closed", 0],
  ["file of somebody else", "foreign", 0o600],
  ["directory", "closed-folder", 0],
] as const) {
  hostTest("root", isRoot, `an unreadable ${what} is an error that names it`, (t) => {
    const folder = mkdtempSync(join(scratch, "unreadable-"));
    const path = join(folder, name);
    if (what === "directory") mkdirSync(path);
    else writeFileSync(path, "x");
    chmodSync(path, mode);
    chownSync(folder, nobodyInParticular, nobodyInParticular);
    if (name !== "foreign") chownSync(path, nobodyInParticular, nobodyInParticular);
    const told = runAs(asPlainUser, join(import.meta.dirname, "read-fixture.ts"), [folder]);
    t.like(told, { code: "folder/unreadable" });
    t.true((told as { message: string }).message.includes(path));
  });
}

hostTest("root", isRoot, "what is mounted inside is left out", (t) => {
  const folder = join(scratch, "mounts");
  mkdirSync(join(folder, "mnt"), { recursive: true });
  const { status, stdout, stderr } = spawnSync(
    "unshare",
    [
      "--mount",
      "sh",
      "-ec",
      'mount -n -t tmpfs tmpfs "$1/mnt"; mkdir "$1/mnt/x"; exec "$2" "$3" "$1"',
      "sh",
      folder,
      process.execPath,
      join(import.meta.dirname, "read-fixture.ts"),
    ],
    { encoding: "utf8" },
  );
  t.is(status, 0, stderr);
  t.deepEqual(JSON.parse(stdout), { paths: ["", "mnt"] });
});

test("an abort ends the reading", async (t) => {
  const folder = join(scratch, "many");
  for (let i = 0; i < 3; i++) {
    mkdirSync(join(folder, String(i)), { recursive: true });
    for (let j = 0; j < 1000; j++) writeFileSync(join(folder, String(i), String(j)), "");
  }
  const controller = new AbortController();
  const reading = readFolder(folder, { signal: controller.signal });
  controller.abort(new Error("stop"));
  await t.throwsAsync(reading, { message: "stop" });
});

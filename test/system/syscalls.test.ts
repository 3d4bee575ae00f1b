import { spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  getXattr,
  listXattrs,
  makeDevice,
  makeNode,
  nextData,
  removeXattr,
  setXattr,
  splitDevice,
  SystemCallError,
} from "../../src/system/syscalls.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));
const isRoot = process.geteuid?.() === 0;
const withNul = (path: string) => Buffer.from(`${path}\0`);

toolTest(["getfattr"], "attributes arrive where getfattr finds them", (t) => {
  const path = join(scratch, "x");
  writeFileSync(path, "");
  setXattr(Buffer.from(path), "user.a", Buffer.from([1, 0, 255]));
  setXattr(Buffer.from(path), "user.empty", new Uint8Array(0));
  const { stdout } = spawnSync("getfattr", ["-d", "-e", "hex", "--absolute-names", path]);
  t.regex(stdout.toString(), /user\.a=0x0100ff\nuser\.empty(=0x)?\n/);
  t.deepEqual(listXattrs(withNul(path)).toSorted(), ["user.a", "user.empty"]);
  t.deepEqual([...getXattr(withNul(path), "user.a")], [1, 0, 255]);
  t.is(getXattr(withNul(path), "user.empty").length, 0);
  removeXattr(Buffer.from(path), "user.a");
  t.deepEqual(listXattrs(withNul(path)), ["user.empty"]);
});

test("a failure says what, where and the errno's name", (t) => {
  const path = join(scratch, "missing");
  const error = t.throws(() => listXattrs(withNul(path)), { instanceOf: SystemCallError });
  t.is(error.code, "ENOENT");
  t.is(error.syscall, "llistxattr");
  t.true(error.message.includes(path));
  writeFileSync(path, "");
  t.throws(() => getXattr(withNul(path), "user.none"), { code: "ENODATA" });
});

test("a path or a name with a NUL inside is refused, not cut", (t) => {
  t.throws(() => setXattr(Buffer.from(`${scratch}\0/x`), "user.a", Buffer.alloc(1)));
  t.throws(() => setXattr(Buffer.from(scratch), "user.a\0b", Buffer.alloc(1)));
});

test("fifos and sockets need no right", (t) => {
  makeNode(Buffer.from(join(scratch, "fifo")), "fifo", 0o600);
  makeNode(Buffer.from(join(scratch, "sock")), "socket", 0o600);
  t.true(lstatSync(join(scratch, "fifo")).isFIFO());
  t.true(lstatSync(join(scratch, "sock")).isSocket());
});

hostTest("root", isRoot, "attributes and device nodes of root, on symlinks too", (t) => {
  const link = join(scratch, "link");
  symlinkSync("/etc/passwd", link);
  setXattr(Buffer.from(link), "trusted.t", Buffer.from("here"));
  t.is(getXattr(withNul(link), "trusted.t").toString(), "here");
  t.deepEqual(
    listXattrs(withNul("/etc/passwd")).filter((name) => name === "trusted.t"),
    [],
  );
  for (const [major, minor] of [
    [1, 3],
    [4095, 1_048_575],
    [259, 70_000],
  ] as const) {
    const path = join(scratch, `device-${major}-${minor}`);
    makeNode(Buffer.from(path), "block-device", 0o600, { major, minor });
    const { stdout } = spawnSync("stat", ["-c", "%F %Hr %Lr", path]);
    t.is(stdout.toString(), `block special file ${major} ${minor}\n`);
  }
});

test("device numbers split as they were made", (t) => {
  for (const [major, minor] of [
    [0, 0],
    [1, 3],
    [4095, 1_048_575],
    [0xffff_ffff, 0xffff_ffff],
  ] as const) {
    t.deepEqual(splitDevice(makeDevice(major, minor)), { major, minor });
  }
});

test("stretches of data in a sparse file are found", (t) => {
  const fd = openSync(join(scratch, "sparse"), "w+");
  writeSync(fd, "a", 1 << 20);
  ftruncateSync(fd, 4 << 20);
  const first = nextData(fd, 0);
  t.true(first !== undefined && first.offset <= 1 << 20 && first.end > 1 << 20);
  t.true((first?.end ?? 0) < 4 << 20, "this file system has holes");
  t.is(nextData(fd, first?.end ?? 0), undefined);
  closeSync(fd);
});

import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  changeStatx,
  inodeOf,
  statOf,
  statxBytes,
  statxMask,
} from "../../src/fake-root/stat-layout.ts";
import { cLibrary } from "../../src/system/c-library.ts";

const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

const { libc } = cLibrary();
const statx = libc.func("statx", "int", ["int", "const void *", "int", "uint32_t", "void *"]);
const fstatat = libc.func("fstatat64", "int", ["int", "const void *", "void *", "int"]);

function seen(path: string): { readonly statx: Buffer; readonly stat: Buffer } {
  const name = Buffer.from(`${path}\0`);
  const answer = {
    statx: Buffer.alloc(statxBytes),
    stat: Buffer.alloc(process.arch === "x64" ? 144 : 128),
  };
  if (statx(-100, name, 0x100, statxMask, answer.statx) !== 0) throw new Error(path);
  if (fstatat(-100, name, answer.stat, 0x100) !== 0) throw new Error(path);
  return answer;
}

const architecture = process.arch === "x64" ? "x86_64" : "aarch64";
const file = join(folder, "file");
writeFileSync(file, "some text", { mode: 0o640 });

for (const path of [file, folder, "/dev/null", "/proc/self/exe", "/"]) {
  test(`${path} looks as the kernel shows it`, (t) => {
    // A time of access may change between two looks.
    const { statx, stat } = seen(path);
    const made = statOf(statx, architecture);
    for (const bytes of [made, stat]) bytes.fill(0, 72, 88);
    t.deepEqual(made, stat);
  });

  test(`${path} is the inode that Node sees`, (t) => {
    const { dev, ino, mode, uid, gid, size, mtimeNs, birthtimeNs } = lstatSync(path, {
      bigint: true,
    });
    t.deepEqual(inodeOf(seen(path).statx), {
      dev,
      ino,
      mode,
      uid,
      gid,
      size,
      mtimeNs,
      birthtimeNs,
    });
  });
}

test("another owner and a device stand in both forms, and nothing else changes", (t) => {
  const { statx } = seen(file);
  const before = statOf(statx, "x86_64");
  changeStatx(
    statx,
    { uid: 70_000, gid: 4_000_000_000 },
    { type: "block-device", major: 259, minor: 1_048_575 },
  );
  const x86 = statOf(statx, "x86_64");
  t.is(x86.readUInt32LE(28), 70_000);
  t.is(x86.readUInt32LE(32), 4_000_000_000);
  t.is(x86.readUInt32LE(24), 0o060640);
  // The kernel's encoding: 12 bits of the major number between the two parts of the minor one.
  t.is(x86.readBigUInt64LE(40), 0xfff1_03ffn);
  const changed = [...x86.keys()].filter((index) => x86[index] !== before[index]);
  t.true(changed.every((index) => index >= 24 && index < 48));

  // struct stat of asm-generic/stat.h
  const arm = statOf(statx, "aarch64");
  t.is(arm.length, 128);
  t.is(arm.readBigUInt64LE(8), x86.readBigUInt64LE(8));
  t.is(arm.readUInt32LE(16), 0o060640);
  t.is(arm.readUInt32LE(20), 1);
  t.is(arm.readUInt32LE(24), 70_000);
  t.is(arm.readUInt32LE(28), 4_000_000_000);
  t.is(arm.readBigUInt64LE(32), 0xfff1_03ffn);
  t.is(arm.readBigInt64LE(48), 9n);
  t.deepEqual(arm.subarray(88, 104), x86.subarray(88, 104));
});

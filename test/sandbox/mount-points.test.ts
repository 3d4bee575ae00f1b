import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { ScriptError } from "../../src/model/error.ts";
import { makeMountPoints } from "../../src/sandbox/mount-points.ts";
import { resolveInRoot } from "../../src/sandbox/resolve-in-root.ts";

/** A folder with a root in it, and something beside that nobody may touch. */
const newRoot = (t: ExecutionContext) => {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const root = join(folder, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  mkdirSync(join(folder, "outside"));
  const file = join(folder, "source-file");
  writeFileSync(file, "x");
  return { folder, root, file };
};

const bind = (source: string, target: string) => ({
  kind: "bind" as const,
  source,
  target,
  readOnly: false,
});

test("symlinks lead where they lead inside, and never out", (t) => {
  const { folder, root } = newRoot(t);
  symlinkSync("/run/resolv.conf", join(root, "etc/absolute"));
  symlinkSync("../../../../../../etc", join(root, "etc/up"));
  symlinkSync(`${folder}/outside`, join(root, "out"));
  t.deepEqual(resolveInRoot(root, "/etc/absolute"), { path: "/run/resolv.conf", exists: false });
  t.deepEqual(resolveInRoot(root, "/etc/up/up/x"), { path: "/etc/x", exists: false });
  t.deepEqual(resolveInRoot(root, "/out/x"), { path: `${folder}/outside/x`, exists: false });
  t.deepEqual(resolveInRoot(root, "/../../etc"), { path: "/etc", exists: true });
  t.deepEqual(resolveInRoot(root, "/"), { path: "/", exists: true });
});

test("a circle of symlinks and a file in a folder's place are errors", (t) => {
  const { root } = newRoot(t);
  symlinkSync("b", join(root, "a"));
  symlinkSync("a", join(root, "b"));
  writeFileSync(join(root, "file"), "");
  for (const path of ["/a", "/file/x"]) {
    const error = t.throws(() => resolveInRoot(root, path), { instanceOf: ScriptError });
    t.is(error.code, "script/mount-point");
  }
});

test("missing places are made and taken away again, with their parents", (t) => {
  const { folder, root, file } = newRoot(t);
  symlinkSync("../run/systemd/resolv.conf", join(root, "etc/resolv.conf"));
  const wanted = [
    bind(file, "/etc/resolv.conf"),
    bind(folder, "/mnt/a/b"),
    { kind: "proc" as const },
  ];
  {
    using points = makeMountPoints(root, wanted);
    t.deepEqual(points.mounts, [
      bind(file, "/run/systemd/resolv.conf"),
      bind(folder, "/mnt/a/b"),
      { kind: "proc" },
    ]);
    t.is(readFileSync(join(root, "run/systemd/resolv.conf"), "utf8"), "");
    t.true(statSync(join(root, "mnt/a/b")).isDirectory());
    t.is(statSync(join(root, "mnt/a/b")).mode & 0o777, 0o755);
    t.true(existsSync(join(root, "proc")));
  }
  for (const path of ["run", "mnt", "proc"]) t.false(existsSync(join(root, path)), path);
  t.true(existsSync(join(root, "etc")));
});

test("what was there stays, and so does what a script put there", (t) => {
  const { folder, root, file } = newRoot(t);
  writeFileSync(join(root, "etc/hosts"), "");
  {
    using points = makeMountPoints(root, [
      bind(file, "/etc/hosts"),
      bind(folder, "/mnt/a"),
      bind(file, "/new"),
    ]);
    t.is(points.mounts.length, 3);
    writeFileSync(join(root, "mnt/kept"), "");
    writeFileSync(join(root, "new"), "written");
  }
  t.true(existsSync(join(root, "etc/hosts")));
  t.false(existsSync(join(root, "mnt/a")));
  t.true(existsSync(join(root, "mnt/kept")));
  t.is(readFileSync(join(root, "new"), "utf8"), "written");
});

test("a folder can't be mounted on a file, and what was made before is taken away", (t) => {
  const { folder, root } = newRoot(t);
  writeFileSync(join(root, "data"), "");
  const error = t.throws(
    () => makeMountPoints(root, [bind(folder, "/made"), bind(folder, "/data")]),
    {
      instanceOf: ScriptError,
    },
  );
  t.is(error.code, "script/mount-point");
  t.false(existsSync(join(root, "made")));
});

test("a link in the place of /proc is not followed", (t) => {
  const { root } = newRoot(t);
  symlinkSync("/etc", join(root, "proc"));
  t.throws(() => makeMountPoints(root, [{ kind: "proc" }]), { instanceOf: ScriptError });
});

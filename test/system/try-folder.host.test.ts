// What is found of a folder before scripts are run in it, on this machine's own disks.

import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { abilities, tryFolder } from "../../src/isolation/try-folder.ts";
import { tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

hostTest(
  "root",
  canMakeUsers,
  "for root nothing is amiss on a disk, and nothing is left",
  async (t) => {
    const folder = await scratch(t);
    t.deepEqual(await tryFolder(folder), []);
    t.deepEqual(readdirSync(folder), []);
  },
);

test("what nobody asks for is not tried", async (t) => {
  const wanted = abilities.filter((ability) => ability === "symlinks");
  t.deepEqual(await tryFolder(await scratch(t), { wanted }), []);
});

hostTest(
  "root, users, busybox",
  canMakeUsers && isInstalled("busybox"),
  "a folder that gives its own group to what is made in it does for a user of one id",
  async (t) => {
    const user = plainUser("without ranges");
    const folder = await scratch(t, user.folder);
    chownSync(folder, user.uid, user.gid);
    const shared = join(folder, "shared");
    mkdirSync(shared);
    chownSync(shared, 0, 0);
    chmodSync(shared, 0o2777);
    writeFileSync(
      join(folder, "app.def"),
      `Bootstrap: scratch\n%files\n    /bin/busybox /bin/sh\n    /bin/busybox /bin/busybox\n%post
    /bin/busybox mkdir -m 555 /closed
    echo x > /closed/file
    /bin/busybox chmod 2755 /closed/file\n    [ -g /closed/file ]\n`,
    );
    const words = ["build", "--no-verify", "--tmpdir", shared, "app.sif", "app.def"];
    const { exitCode, stderr } = await tsbuild(words, { cwd: folder, user });
    t.is(exitCode, 0, stderr);
    t.regex(stderr, /\(single\)/);
    t.deepEqual(readdirSync(shared), []);
  },
);

import { copyFileSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const definition = `Bootstrap: scratch
%files
    /bin/busybox /bin/sh
    /bin/busybox /bin/mknod
%post
    mknod /disk b 8 0
    mknod /dull c 1 3
`;

const isPossible = canMakeUsers && isInstalled("busybox");

hostTest(
  "root, users",
  isPossible,
  "who can't make devices is told which are empty files",
  async (t) => {
    const user = plainUser("with ranges");
    const own = await scratch(t);
    writeFileSync(join(own, "app.def"), definition);
    const made = await tsbuild(["build", "app.sif", "app.def"], { cwd: own });
    t.is(made.exitCode, 0, made.stderr);

    const byRoot = await tsbuild(["build", "--sandbox", "box", "app.sif"], { cwd: own });
    t.is(byRoot.exitCode, 0, byRoot.stderr);
    t.false(byRoot.stderr.includes("WARNING"), byRoot.stderr);
    t.true(lstatSync(join(own, "box/disk")).isBlockDevice());

    const cwd = await scratch(t, user.folder);
    copyFileSync(join(own, "app.sif"), join(cwd, "app.sif"));
    await execa("chown", ["-R", `${user.uid}:${user.gid}`, cwd]);
    const options = { cwd, user, env: { TMPDIR: cwd } };
    const byUser = await tsbuild(["build", "--sandbox", "box", "app.sif"], options);
    t.is(byUser.exitCode, 0, byUser.stderr);
    t.regex(
      byUser.stderr,
      /only root can make devices: in the sandbox these are empty files: \/disk, \/dull$/m,
    );
    t.true(lstatSync(join(cwd, "box/disk")).isFile());
    // A SIF file holds them all the same.
    const asFile = await tsbuild(["build", "again.sif", "app.sif"], options);
    t.is(asFile.exitCode, 0, asFile.stderr);
    t.false(asFile.stderr.includes("only root can make devices"));
    const listed = await tsbuild(["inspect", "--list", "again.sif"], options);
    t.regex(listed.stdout, /^b.*\bdisk$/m);
  },
);

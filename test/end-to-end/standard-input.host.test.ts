// A definition through a pipe, read once by the process that a plain user starts and needed by the one in the namespace.

import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

const definition = `Bootstrap: scratch
%files
    /bin/busybox /bin/sh
    /bin/busybox /bin/cat
%post
    cat
    echo "outside $(cat /proc/self/uid_map | { read -r _ outside _; echo "$outside"; })"
`;

for (const [who, name] of [
  ["root", "-"],
  ["a plain user", "-"],
  ["a plain user", "/dev/stdin"],
] as const) {
  hostTest("users, busybox", canMakeUsers, `${who}'s definition from ${name}`, async (t) => {
    const folder = join(await scratch(t), who);
    mkdirSync(folder);
    const user = who === "root" ? undefined : plainUser();
    for (const path of [join(folder, ".."), folder]) chmodSync(path, 0o755);
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    writeFileSync(join(folder, "x.def"), definition);
    const run = await tsbuild(["build", "x.sif", name], {
      cwd: folder,
      before: "exec < x.def",
      ...(user === undefined ? {} : { user }),
    });
    t.is(run.exitCode, 0, run.stderr);
    // The script reads nothing of what is left on standard input.
    t.is(run.stdout, `outside ${user?.uid ?? 0}\n`);
  });
}

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

const isRoot = process.geteuid?.() === 0;

for (const [command, owner] of [
  ["/usr/local/bin/tsbuild build x.sif x.def", 12_345],
  ["/usr/bin/node /opt/tsbuild/bin/tsbuild.cjs x.def", 12_345],
  // sudo su, sudo make …: the shell's or the program's own doings are root's.
  ["/usr/bin/su", 0],
] as const) {
  hostTest("root", isRoot, `the image made under sudo ${command} is ${owner}'s`, async (t) => {
    const folder = await scratch(t);
    writeFileSync(join(folder, "x.def"), "Bootstrap: scratch\n");
    const { error } = await runCli(["build", "x.sif", "x.def"], folder, {
      SUDO_UID: "12345",
      SUDO_GID: "12345",
      SUDO_COMMAND: command,
    });
    t.is(error, undefined);
    t.is(statSync(join(folder, "x.sif")).uid, owner);
  });
}

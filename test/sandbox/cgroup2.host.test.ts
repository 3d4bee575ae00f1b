// Limits by control groups of version 2, on a kernel of its own (User Mode Linux) that has nothing else: where both versions
// are mounted the controllers belong to the first. It sees this machine's files and can't change them.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { execa } from "execa";
import { checkout } from "../helpers/build.ts";
import { ownFolders } from "../helpers/machines.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = process.getuid?.() === 0 && isInstalled("linux.uml") && isInstalled("busybox");

const programs = ["sh", "dd", "cat", "sleep"].map((name) => `    /bin/busybox /bin/${name}\n`);
/** The first keeps 120 MB in memory. */
const scripts = {
  greedy: "    cat /proc/self/cgroup\n    dd if=/dev/zero of=/dev/null bs=120000000 count=1\n",
  many: "    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 2 & done\n    wait\n",
};

/** Where the other machine finds its own files: it has another /tmp. */
const folder = mkdtempSync("/var/tmp/tsbuild-cgroup2-");
/** Its memory. */
const memory = mkdtempSync("/dev/shm/tsbuild-cgroup2-");
test.after.always(() => {
  for (const made of [folder, memory]) rmSync(made, { recursive: true, force: true });
});

const build = `${process.execPath} ${join(checkout, "bin/tsbuild.cjs")} build --progress=json --compress=none --no-verify --disable-cache`;

const init = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
${ownFolders}dmesg -n 1
stty raw
told() { sed "s/^/$1 /"; }
cd /tmp
${build} --memory 60M a.sif ${folder}/greedy.def 2>&1 | told memory
${build} --pids 12 a.sif ${folder}/many.def 2>&1 | told processes
find /sys/fs/cgroup -name 'tsbuild-*' | told left

# A group that a user was given, and in which a shell of that user runs, as a session does.
GROUP=/sys/fs/cgroup/given
mkdir $GROUP $GROUP/session
echo '+memory +pids' > /sys/fs/cgroup/cgroup.subtree_control
chown -R 12345:12345 $GROUP
mkdir -m 777 /tmp/user
cd /tmp/user
sh -c 'echo $$ > '$GROUP'/session/cgroup.procs; exec setpriv --reuid 12345 --regid 12345 --clear-groups "$@"' sh \\
  ${build} --memory 60M a.sif ${folder}/greedy.def 2>&1 | told user
find /sys/fs/cgroup -name 'tsbuild-*' | told left
echo over
halt -f
`;

interface Told {
  readonly type: string;
  readonly code?: string;
  readonly line?: string;
}

hostTest(
  "root, linux.uml, busybox",
  isPossible,
  "groups of version 2 keep root, and who was given one, to limits",
  async (t) => {
    for (const [name, post] of Object.entries(scripts)) {
      const text = `Bootstrap: scratch\n%files\n${programs.join("")}%post\n${post}`;
      writeFileSync(join(folder, `${name}.def`), text);
    }
    writeFileSync(join(folder, "init"), init, { mode: 0o755 });
    for (const file of ["", "init", "greedy.def", "many.def"])
      await execa("chmod", ["a+rX", join(folder, file)]);
    const { stdout } = await execa(
      "linux.uml",
      [
        ["mem=1024M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"],
        [`init=${join(folder, "init")}`, "con=null", "con0=null,fd:1", `uml_dir=${memory}`],
      ].flat(),
      { env: { TMPDIR: memory }, stdin: "ignore", timeout: 240_000 },
    );
    const told = (who: string) =>
      stdout
        .split(/[\r\n]+/)
        .filter((line) => line.startsWith(`${who} {`))
        .map((line) => JSON.parse(line.slice(who.length)) as Told);
    const error = (who: string) => told(who).find(({ type }) => type === "error")?.code;
    const warnings = (who: string) =>
      told(who).flatMap(({ type, code = "" }) => (type === "warning" ? [code] : []));

    t.regex(stdout, /^over\r?$/m);
    t.is(error("memory"), "script/memory", stdout);
    t.is(error("processes"), "script/processes", stdout);
    t.is(error("user"), "script/memory", stdout);
    for (const who of ["memory", "processes", "user"]) t.deepEqual(warnings(who), [], stdout);
    const groupOf = (who: string) => told(who).find(({ line }) => line?.startsWith("0::/"))?.line;
    t.regex(groupOf("memory") ?? "", /^0::\/tsbuild-\d+-\d+$/);
    t.regex(groupOf("user") ?? "", /^0::\/given\/tsbuild-\d+-\d+$/);
    t.notRegex(stdout, /^left /m);
  },
);

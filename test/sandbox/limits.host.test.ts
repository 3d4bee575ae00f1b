// What a script may take, who says that it took more, and what is measured: as root, with control groups, and as a plain
// user, who may make none here.

import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { ExecutionContext } from "ava";
import { groupPlaces } from "../../src/sandbox/control-group-places.ts";
import { canMakeUsers } from "../helpers/plain-user.ts";
import { processesWith } from "../helpers/processes.ts";
import { runDriver } from "../helpers/run-driver.ts";
import type { DriverAnswer, DriverRequest } from "../helpers/script-driver.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const isPossible = canMakeUsers && isInstalled("busybox");
const places = groupPlaces(
  readFileSync("/proc/self/cgroup", "latin1"),
  readFileSync("/proc/self/mountinfo", "latin1"),
);
/** Whether root can be kept to a limit here: in containers the groups can often only be looked at. */
const hasGroups = places.some(
  ({ version, controllers, folder }) =>
    (controllers.includes("memory") ||
      (version === 2 &&
        readFileSync(`${folder}/cgroup.controllers`, "latin1").includes("memory"))) &&
    spawnSync("sh", ["-c", 'mkdir "$1" && rmdir "$1"', "sh", `${folder}/trial-${process.pid}`])
      .status === 0,
);

function limitTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  hostTest("root, users, busybox", isPossible, title, body);
}

const post = (
  way: string,
  body: string,
  more: Partial<DriverRequest> = {},
): Promise<DriverAnswer> => runDriver({ way, scripts: [{ section: "post", body }], ...more });

const groupsLeft = (): string[] =>
  globSync("/sys/fs/cgroup/**/tsbuild-*", { exclude: ["**/proc"] });

/** Keeps 120 MB in memory. One command: the two of a pipeline may be traced in either order. */
const greedy = "dd if=/dev/zero of=/dev/null bs=120000000 count=1\n";

for (const way of ["root", "subid"]) {
  limitTest(`${way}: memory: the error names the limit, the command and the line`, async (t) => {
    const { error, warnings } = await post(way, `true\n${greedy}`, {
      limits: { memoryBytes: 60 * 2 ** 20 },
    });
    t.is(error?.code, "script/memory", error?.message);
    t.is(error?.exitCode, 5);
    t.regex(error?.message ?? "", /^%post needed more than the 60 MiB of --memory/);
    t.is(error?.location?.line, 102);
    const isWhole = way === "root" && hasGroups;
    t.is(
      warnings.filter((warning) => warning.startsWith("host/limit-not-kept")).length,
      isWhole ? 0 : 1,
      warnings.join("\n"),
    );
    t.deepEqual(groupsLeft(), []);
  });

  limitTest(`${way}: time: what runs is ended, and the error says where it was`, async (t) => {
    const mark = `4${process.pid}${way.length}1`;
    const started = performance.now();
    const { error, stderr } = await post(way, `true\nsleep ${mark}\n`, {
      limits: { timeoutMs: 2500 },
    });
    t.is(error?.code, "script/timeout", stderr.join("\n"));
    t.is(error?.message, `%post took longer than the 2.5 s of --timeout at: sleep ${mark}`);
    t.is(error?.location?.line, 102);
    t.true(performance.now() - started < 60_000);
    t.deepEqual(processesWith(mark), []);
  });
}

limitTest("a script that has enough of all runs as ever", async (t) => {
  const limits = { memoryBytes: 2 ** 30, cpus: 2, processes: 200, timeoutMs: 60_000 };
  const { error, stdout, warnings } = await post("root", "echo $((6 * 7))\n", { limits });
  t.is(error, undefined);
  t.deepEqual(stdout, ["42"]);
  if (hasGroups) t.deepEqual(warnings, []);
  t.deepEqual(groupsLeft(), []);
});

hostTest("control groups", isPossible && hasGroups, "root: processes", async (t) => {
  const body = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 5 & done\nwait\n";
  const { error } = await post("root", body, { limits: { processes: 12 } });
  t.is(error?.code, "script/processes", error?.message);
  t.regex(error?.message ?? "", /^%post wanted more than the 12 processes of --pids/);
  t.deepEqual(groupsLeft(), []);
});

limitTest("single: processes, by the limit of each user", async (t) => {
  // Busybox has to start programs, or its shell would do all by itself.
  const body = "i=0; while [ $i -lt 120 ]; do sleep 5 & i=$((i + 1)); done\nwait\n";
  const { error, warnings } = await post("single", body, { limits: { processes: 20 } });
  t.is(error?.code, "script/processes", error?.message);
  t.regex(
    warnings[0] ?? "",
    /^host\/limit-not-kept: the number of processes is limited for each user/,
  );
});

hostTest(
  "control groups",
  isPossible && hasGroups,
  "a process that memory took, and that the script can do without, is a warning",
  async (t) => {
    const { error, warnings, stdout } = await post("root", `${greedy.trim()} || true\necho on\n`, {
      limits: { memoryBytes: 60 * 2 ** 20 },
    });
    t.is(error, undefined);
    t.deepEqual(stdout, ["on"]);
    t.regex(warnings.join(), /^script\/memory: %post needed more than/);
  },
);

limitTest("processors: a group of its own, or the processors that it may run on", async (t) => {
  const body = "cat /proc/self/cgroup; grep Cpus_allowed_list /proc/self/status\n";
  const plain = await post("subid", body, { limits: { cpus: 1 } });
  t.is(plain.error, undefined, plain.stderr.join("\n"));
  t.regex(plain.stdout.at(-1) ?? "", /^Cpus_allowed_list:\s*\d+$/);
  t.deepEqual(plain.warnings, []);
  const all = await post("subid", body, { limits: { cpus: availableParallelism() + 1 } });
  t.deepEqual(all.warnings, []);
  if (!hasGroups) return;
  const root = await post("root", body, { limits: { cpus: 1 } });
  t.true(
    root.stdout.some((line) => /^\d+:(?:.*,)?cpu(?:,.*)?:.*\/tsbuild-/.test(line)),
    root.stdout.join("\n"),
  );
});

limitTest("%setup is kept to the same limits, with all that it left running", async (t) => {
  const mark = `5${process.pid}77`;
  const { error } = await runDriver({
    way: "root",
    limits: { timeoutMs: 700, processes: 50 },
    scripts: [{ section: "setup", body: `(setsid sleep ${mark} &)\nsleep ${mark}\n` }],
  });
  t.is(error?.code, "script/timeout");
  t.deepEqual(processesWith(mark), []);
  t.deepEqual(groupsLeft(), []);
});

for (const way of ["root", "subid", "single"]) {
  limitTest(`${way}: what a script took is measured`, async (t) => {
    const body = [
      "head -c 150000000 /dev/zero | tail -c 149000000 > /dev/null",
      "head -c 3000000 /dev/zero > /data; sync /data",
      "set +x; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done",
    ].join("\n");
    const { usages, error } = await runDriver({
      way,
      scripts: [
        { section: "post", body },
        { section: "post", body: "true\n" },
      ],
    });
    t.is(error, undefined);
    const [first, second] = usages;
    t.true((first?.cpuMs ?? 0) > 10 && (first?.cpuMs ?? 0) < 20_000, `${first?.cpuMs}`);
    const megabytes = (first?.peakMemoryBytes ?? 0) / 1e6;
    t.true(megabytes > 140 && megabytes < 350, `${megabytes}`);
    // Each by itself, and not the most so far.
    const later = (second?.peakMemoryBytes ?? 0) / 1e6;
    t.true(later < 100, `${later}`);
    t.true((second?.cpuMs ?? 0) < (first?.cpuMs ?? 0));
  });
}

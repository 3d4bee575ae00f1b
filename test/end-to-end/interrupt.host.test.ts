// Ctrl-C at every kind of moment: the program ends soon, with the signal's status, and nothing of it is left.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { startTsbuild } from "../helpers/build.ts";
import { haveImages, serveImages } from "../helpers/images.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { eventually, processesWith } from "../helpers/processes.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL";

interface Moment {
  readonly title: string;
  /** The text of a line of `--progress=json` that the signal answers. */
  readonly when: RegExp;
  readonly definition: (nap: string) => string;
  readonly options?: readonly string[];
  /** When the same signal comes again. */
  readonly againMs?: number;
}

const busybox =
  "Bootstrap: scratch\n%files\n    /bin/busybox /bin/sh\n    /bin/busybox /bin/sleep\n";

const moments: readonly Moment[] = [
  {
    title: "while files are packed",
    when: /"type":"step-start".*Packing/,
    definition: () => "Bootstrap: scratch\n%files\n    big /opt/big\n",
  },
  {
    title: "in %post",
    when: /"line":"napping"/,
    definition: (nap) => `${busybox}%post\n    echo napping\n    sleep ${nap}\n`,
  },
  {
    title: "in a %post that ignores it and has children",
    when: /"line":"napping"/,
    definition: (nap) =>
      `${busybox}%post\n    trap "" TERM INT HUP\n    sleep ${nap} &\n    echo napping\n    sleep ${nap}\n    sleep ${nap}\n`,
  },
  {
    title: "in %setup on the host",
    when: /"line":"napping"/,
    definition: (nap) => `${busybox}%setup\n    echo napping\n    sleep ${nap}\n`,
  },
  {
    title: "in %test",
    when: /"line":"napping"/,
    definition: (nap) => `${busybox}%test\n    echo napping\n    sleep ${nap}\n`,
  },
  {
    title: "in %post of a sandbox",
    when: /"line":"napping"/,
    definition: (nap) => `${busybox}%post\n    echo napping\n    sleep ${nap}\n`,
    options: ["--sandbox"],
  },
];

/** Everything below a folder but the cache. */
const contents = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((found) => join(found.parentPath, found.name))
    .filter((path) => !path.startsWith(join(folder, "cache")))
    .toSorted();

let naps = 0;

async function interrupt(
  t: ExecutionContext,
  moment: Moment,
  signal: Signal,
  user?: PlainUser,
): Promise<{ readonly exitCode: number | undefined; readonly log: string; readonly cwd: string }> {
  const parent = await scratch(t, user?.folder);
  const cwd = join(parent, "work");
  await mkdir(join(cwd, "tmp"), { recursive: true });
  writeFileSync(join(cwd, "app.sif"), "precious");
  await execa("sh", ["-c", 'head -c 60000000 /dev/urandom >"$1/big"', "sh", cwd]);
  // A number that no other process has among its words.
  const nap = `7${process.pid}${naps++}`;
  writeFileSync(join(cwd, "app.def"), moment.definition(nap));
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, parent]);
  const before = contents(cwd);
  const target = moment.options?.includes("--sandbox") === true ? "box" : "app.sif";

  const child = startTsbuild(
    ["build", "--force", "--progress=json", ...(moment.options ?? []), target, "app.def"],
    {
      cwd,
      ...(user === undefined ? {} : { user }),
      env: { TMPDIR: join(cwd, "tmp"), TSBUILD_CACHEDIR: join(cwd, "cache") },
    },
  );
  let log = "";
  let sentAt: number | undefined;
  createInterface(child.stderr).on("line", (line) => {
    log += `${line}\n`;
    if (sentAt === undefined && moment.when.test(line)) {
      sentAt = performance.now();
      child.kill(signal);
      if (moment.againMs !== undefined) setTimeout(() => child.kill(signal), moment.againMs);
    }
  });
  const { exitCode } = await child;
  const left = contents(cwd);
  t.not(sentAt, undefined, `the moment came:\n${log}`);
  t.true(performance.now() - (sentAt ?? 0) < 15_000, "it ended soon");

  await eventually(
    () => processesWith(nap).length === 0 && processesWith(cwd).length === 0,
    10_000,
  );
  t.false(readFileSync("/proc/self/mountinfo", "utf8").includes(cwd), "no mount is left");
  if (signal !== "SIGKILL") t.deepEqual(left, before, "no file came or went");
  t.is(readFileSync(join(cwd, "app.sif"), "utf8"), "precious");
  return { exitCode, log, cwd };
}

const isRoot = process.getuid?.() === 0;

for (const moment of moments) {
  serialHostTest("root and busybox", isRoot, `Ctrl-C ${moment.title}`, async (t) => {
    const { exitCode, log } = await interrupt(t, moment, "SIGINT");
    t.is(exitCode, 130, log);
  });
  serialHostTest(
    "users and busybox",
    canMakeUsers,
    `a plain user's Ctrl-C ${moment.title}`,
    async (t) => {
      const { exitCode, log } = await interrupt(t, moment, "SIGINT", plainUser("with ranges"));
      t.is(exitCode, 130, log);
    },
  );
}

const inPost = moments[1];
if (inPost === undefined) throw new Error("no moment");

/** Two loops whose every call waits for the thread that answers it, where somebody answers. */
const busy = (againMs: number): Moment => ({
  title: "",
  when: /"line":"napping"/,
  definition: () =>
    `${busybox}    /bin/busybox /bin/chown\n    /bin/busybox /bin/touch\n%post\n    set +x\n    trap "" TERM INT HUP\n    touch /own\n    echo napping\n    while :; do chown 1:1 /own; chown 2:2 /own; done &\n    while :; do chown 3:3 /own; done\n`,
  againMs,
});

serialHostTest(
  "root and busybox",
  isRoot,
  "a second Ctrl-C ends a script that ignores the first",
  async (t) => {
    const { exitCode, log } = await interrupt(t, busy(600), "SIGINT");
    t.is(exitCode, 130, log);
  },
);

for (const [kind, gaps] of [
  ["with ranges", [650]],
  ["without ranges", [600, 713]],
] as const) {
  serialHostTest(
    "users and busybox",
    canMakeUsers,
    `a second Ctrl-C finds the build of a user ${kind} at work, and nothing is left of it`,
    async (t) => {
      for (const againMs of gaps) {
        const { exitCode, log } = await interrupt(t, busy(againMs), "SIGINT", plainUser(kind));
        t.is(exitCode, 130, log);
        t.notRegex(log, /FATAL|Native stack/);
      }
    },
  );
}

for (const [signal, status] of [
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  serialHostTest("root and busybox", isRoot, `${signal} ends it like Ctrl-C`, async (t) => {
    const { exitCode, log } = await interrupt(t, inPost, signal);
    t.is(exitCode, status, log);
  });
}

serialHostTest("root and busybox", isRoot, "SIGKILL leaves no process and no mount", async (t) => {
  await interrupt(t, inPost, "SIGKILL");
});

serialHostTest(
  "users and busybox",
  canMakeUsers,
  "a plain user's SIGKILL leaves no process",
  async (t) => {
    await interrupt(t, inPost, "SIGKILL", plainUser("with ranges"));
  },
);

serialHostTest("root and images", haveImages, "Ctrl-C while layers come", async (t) => {
  await using server = await serveImages();
  const { exitCode, log, cwd } = await interrupt(
    t,
    {
      title: "",
      when: /"type":"progress".*"bytes"/,
      definition: () => `Bootstrap: docker\nFrom: ${server.host}/python\n`,
    },
    "SIGINT",
  );
  t.is(exitCode, 130, log);
  const cache = readdirSync(join(cwd, "cache"), { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name));
  t.deepEqual(
    cache.filter((path) => path.includes("incoming")),
    [],
    "no blob is left half way",
  );
});

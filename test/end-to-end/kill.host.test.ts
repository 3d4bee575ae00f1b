// SIGKILL at fifty moments, which nothing can handle: no process, no mount, no control group and no file is left, and what
// was there before is as it was.

import { globSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { startTsbuild, tsbuild, type CliOptions } from "../helpers/build.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { eventually, isRunning } from "../helpers/processes.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";
import { isInstalled } from "../helpers/tool.ts";

const atATime = 4;

/** Something of every kind: what runs on the host, what it leaves, a script that ignores signals, data to pack. */
const definition = (nap: string) => `Bootstrap: scratch

%files
    /bin/busybox /bin/sh
    /bin/busybox /bin/sleep
    /bin/busybox /bin/mount
    big /opt/big

%setup
    setsid sleep ${nap} &
    sleep 0.1

%post
    trap "" TERM INT HUP
    mount -t tmpfs x /opt 2> /dev/null || true
    (sleep ${nap} &)
    sleep 0.2

%test
    sleep 0.1
`;

let naps = 0;

/** Processes that have the text among their words or in their environment. */
function processesOf(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = ["cmdline", "environ"].map((name) =>
          readFileSync(`/proc/${pid}/${name}`, "latin1"),
        );
        return words.join("\0").includes(text) && isRunning(pid);
      } catch {
        return false;
      }
    });
}

interface Prepared {
  readonly cwd: string;
  readonly nap: string;
  readonly options: CliOptions;
}

async function prepare(t: ExecutionContext, user: PlainUser | undefined): Promise<Prepared> {
  const cwd = await scratch(t, user?.folder);
  await mkdir(join(cwd, "tmp"));
  // A number that no other process has among its words.
  const nap = `8${process.pid}${naps++}`;
  writeFileSync(join(cwd, "app.def"), definition(nap));
  writeFileSync(join(cwd, "app.sif"), "precious");
  await execa("sh", ["-c", 'head -c 8000000 /dev/urandom >"$1/big"', "sh", cwd]);
  if (user !== undefined) await execa("chown", ["-R", `${user.uid}:${user.gid}`, cwd]);
  const env = { TMPDIR: join(cwd, "tmp"), TSBUILD_CACHEDIR: join(cwd, "cache") };
  return { cwd, nap, options: { cwd, env, ...(user === undefined ? {} : { user }) } };
}

const words = ["build", "--force", "--pids", "500", "app.sif", "app.def"];

async function killAt(
  t: ExecutionContext,
  afterMs: number,
  user: PlainUser | undefined,
): Promise<"killed" | "done"> {
  const { cwd, nap, options } = await prepare(t, user);
  const child = startTsbuild(words, options);
  await Promise.race([sleep(afterMs), child]);
  child.kill("SIGKILL");
  const { signal } = await child;
  const at = `after ${Math.round(afterMs)} ms`;
  const running = () => [...processesOf(nap), ...processesOf(cwd)];
  // Whoever cleans up may still start a short command afterwards.
  await eventually(() => running().length === 0, 15_000).catch(() => {
    t.deepEqual(running(), [], at);
    t.fail(at);
  });
  t.false(readFileSync("/proc/self/mountinfo", "utf8").includes(cwd), at);
  const left = () => [...readdirSync(join(cwd, "tmp")), ...readdirSync(cwd)].toSorted();
  const whole = ["app.def", "app.sif", "big", "tmp"];
  await eventually(
    () =>
      left()
        .filter((name) => name !== "cache")
        .join() === whole.join(),
    10_000,
  ).catch(() => undefined);
  t.deepEqual(
    left().filter((name) => name !== "cache"),
    whole,
    at,
  );
  if (signal !== "SIGKILL") return "done";
  const image = readFileSync(join(cwd, "app.sif"));
  // Whoever is killed right after the end has made it.
  t.true(image.toString("latin1") === "precious" || image.includes("SIF_MAGIC"), at);
  return "killed";
}

/** Each moment is a random one of its part of the time that a build takes. */
async function killAtMoments(
  t: ExecutionContext,
  moments: number,
  user: PlainUser | undefined,
): Promise<void> {
  const { options } = await prepare(t, user);
  const started = performance.now();
  const whole = await tsbuild(words, options);
  t.is(whole.exitCode, 0, whole.stderr);
  // Several run at a time, and each is slower then.
  const longestMs = (performance.now() - started) * 1.6;
  const times = Array.from(
    { length: moments },
    (_, index) => ((index + Math.random()) / moments) * longestMs,
  );
  const ends: string[] = [];
  const work = async () => {
    for (let at = times.pop(); at !== undefined; at = times.pop())
      ends.push(await killAt(t, at, user));
  };
  await Promise.all(Array.from({ length: atATime }, work));
  t.is(ends.length, moments);
  t.true(ends.filter((end) => end === "killed").length >= moments / 3, ends.join(" "));
  await t.notThrowsAsync(eventually(() => globSync("/sys/fs/cgroup/*/**/tsbuild-*").length === 0));
}

const isPossible = canMakeUsers && isInstalled("busybox");

serialHostTest("root, busybox", isPossible, "SIGKILL of root's build", (t) =>
  killAtMoments(t, 20, undefined),
);
serialHostTest("users, busybox", isPossible, "SIGKILL of a plain user's build", (t) =>
  killAtMoments(t, 15, plainUser("with ranges")),
);
serialHostTest("users, busybox", isPossible, "SIGKILL of the build of a user with one id", (t) =>
  killAtMoments(t, 15, plainUser("without ranges")),
);

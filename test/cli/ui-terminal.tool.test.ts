// A real terminal emulator shows the live view: tmux, which is resized while it runs.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { toolTest } from "../helpers/tool.ts";

const program = join(import.meta.dirname, "../helpers/show-build.ts");

/** A terminal of its own for one test, with the program in it. */
function inTmux(t: ExecutionContext, number: number) {
  const socket = `tsbuild-test-${process.pid}-${number}`;
  const env = { ...process.env, LC_ALL: "C.UTF-8" };
  const tmux = (...words: readonly string[]) =>
    spawnSync("tmux", ["-u", "-L", socket, ...words], { encoding: "utf8", env });
  t.teardown(() => {
    tmux("kill-server");
  });
  const command = `LC_ALL=C.UTF-8 '${process.execPath}' '${program}' 3`;
  const size = ["-x", "90", "-y", "20"];
  t.is(tmux("-f", "/dev/null", "new-session", "-d", ...size, command).stderr, "");
  /** The lines on the screen and, with `-S -`, those that have scrolled away. */
  const lines = (...words: readonly string[]) =>
    tmux("capture-pane", "-p", "-J", ...words)
      .stdout.trimEnd()
      .split("\n")
      .map((line) => line.trimEnd());
  /** Waits until the screen is such, and gives it. */
  const until = async (isSuch: (screen: string[]) => boolean): Promise<string[]> => {
    for (let tries = 0; tries < 600; tries++) {
      const screen = lines();
      if (isSuch(screen)) return screen;
      await sleep(50);
    }
    throw new Error(`never seen:\n${lines("-S", "-").join("\n")}`);
  };
  return { tmux, lines, until };
}

const isOutput = (line: string) => line.startsWith("    │ + line ");
const finished = (step: number) => `✔ [${step}/3] step number ${step} with some more words  0.8s`;
const complete = "✔ Build complete: app.sif  4.0 KiB in 1.0s";

toolTest(["tmux"], "a build on a real terminal", async (t) => {
  const { tmux, lines, until } = inTmux(t, 1);
  const seen = await until((screen) => screen.filter(isOutput).length === 6);
  t.is(seen[0], "Building app.sif from app.def");
  t.is(tmux("display-message", "-p", "#{cursor_flag}").stdout, "0\n");
  await until((screen) => screen.includes("after"));
  t.deepEqual(lines(), [
    "Building app.sif from app.def",
    ...[1, 2, 3].map(finished),
    complete,
    "after",
  ]);
  t.is(tmux("display-message", "-p", "#{cursor_flag}").stdout, "1\n");
});

toolTest(["tmux"], "a terminal that is resized loses no finished step", async (t) => {
  const { tmux, lines, until } = inTmux(t, 2);
  await until((screen) => screen.join("\n").includes("[2/3]"));
  for (const width of ["50", "30", "90"]) {
    await sleep(250);
    tmux("resize-window", "-x", width, "-y", "20");
  }
  await until((screen) => screen.includes("after"));
  // What the terminal itself scrolled away while it wrapped the rows anew can't be taken back.
  t.deepEqual(
    lines("-S", "-").filter((line) => /^(?:✔|Building|after)/.test(line)),
    ["Building app.sif from app.def", ...[1, 2, 3].map(finished), complete, "after"],
  );
});

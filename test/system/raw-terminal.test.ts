// A program that has made a terminal raw and is killed: who gives the usual settings back, and when nobody may.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { PseudoTerminal } from "../../src/system/pseudo-terminal.ts";
import { runProgram } from "../../src/system/run-program.ts";
import { checkout } from "../helpers/build.ts";
import { childrenOf, eventually, processesWith } from "../helpers/processes.ts";

const program = `
  import { makeRaw } from ${JSON.stringify(join(checkout, "src/system/raw-terminal.ts"))};
  const raw = makeRaw(0);
  process.stdout.write("is raw\\r\\n");
  END`;

/** What `stty` says after a program that made the terminal raw has ended so, and `then` was done, in a shell. */
async function settingsAfter(t: ExecutionContext, end: string, then: string): Promise<string> {
  let shown = "";
  using terminal = PseudoTerminal.open((bytes) => {
    shown += bytes.toString();
  });
  const node = [process.execPath, "--input-type=module-typescript", "-e"];
  const shell = `stty -g; "$@"; ${then}; echo; stty -g; echo "end"`;
  const words = ["sh", "-c", shell, "sh", ...node, program.replace("END", end)];
  await runProgram(terminal.commandLine(words), { timeoutMs: 60_000 });
  await terminal.drain();
  t.regex(shown, /is raw/);
  const settings = shown.match(/^[0-9a-f]+(?::[0-9a-f]+)+/gm) ?? [];
  t.true(settings.length >= 2, shown);
  const [before, ...after] = settings;
  return after.at(-1) === before ? "as before" : shown;
}

const killed = "process.kill(process.pid, 'SIGKILL');";
/** Long enough for a shell to have done something, here, where a second does. */
const later = "sleep 2";

test("a terminal is given back when its program ends by itself", async (t) => {
  t.is(await settingsAfter(t, "raw[Symbol.dispose]();", ":"), "as before");
  t.is(await settingsAfter(t, "process.exit(3);", ":"), "as before");
});

test("a terminal is given back when its program is killed", async (t) => {
  t.is(await settingsAfter(t, killed, later), "as before");
});

test("settings that somebody else has made meanwhile stay", async (t) => {
  const shown = await settingsAfter(t, killed, `stty -echo intr ^K; ${later}`);
  t.not(shown, "as before");
});

test("nothing is left that waits once the terminal was given back", async (t) => {
  let shown = "";
  using terminal = PseudoTerminal.open((bytes) => {
    shown += bytes.toString();
  });
  const node = [process.execPath, "--input-type=module-typescript", "-e"];
  const mark = `mark ${process.pid}`;
  const end = `raw[Symbol.dispose](); setTimeout(() => {}, 1500); // ${mark}`;
  const text = program.replace("END", end);
  const running = runProgram(terminal.commandLine([...node, text]), { timeoutMs: 60_000 });
  await eventually(() => shown.includes("is raw"), 20_000);
  await sleep(700);
  const [pid] = processesWith(mark);
  t.deepEqual(childrenOf(pid ?? 0), []);
  await running;
});

import { spawn } from "node:child_process";
import test from "ava";
import { InterruptedError } from "../../src/model/error.ts";
import { watchSignals } from "../../src/system/signals.ts";
import { eventually } from "../helpers/processes.ts";

test.serial("a signal aborts with an error that has the signal's exit code", async (t) => {
  using interruption = watchSignals();
  process.kill(process.pid, "SIGHUP");
  await eventually(() => interruption.signal.aborted);
  t.true(interruption.signal.reason instanceof InterruptedError);
  t.is((interruption.signal.reason as InterruptedError).exitCode, 129);
});

test.serial("two signals close together are one wish", async (t) => {
  const second: string[] = [];
  using interruption = watchSignals({ onSecond: (name) => second.push(name) });
  process.kill(process.pid, "SIGTERM");
  process.kill(process.pid, "SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.true(interruption.signal.aborted);
  t.deepEqual(second, []);
});

test.serial("a later signal is a second wish", async (t) => {
  const second: string[] = [];
  using interruption = watchSignals({ onSecond: (name) => second.push(name) });
  process.kill(process.pid, "SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 600));
  process.kill(process.pid, "SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.true(interruption.signal.aborted);
  t.deepEqual(second, ["SIGTERM"]);
});

test("the second wish ends a process that hangs, with what atExit holds done", async (t) => {
  const script = `
    import { watchSignals } from "./src/system/signals.ts";
    import { atExit } from "./src/system/at-exit.ts";
    watchSignals({ onFirst: () => console.log("first") });
    atExit(() => console.log("cleaned"));
    setInterval(() => {}, 1000);
    console.log("up");`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script]);
  let output = "";
  child.stdout.on("data", (bytes: Buffer) => {
    output += bytes.toString();
    if (output.endsWith("up\n")) child.kill("SIGINT");
    if (output.endsWith("first\n")) setTimeout(() => child.kill("SIGINT"), 600);
  });
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  t.is(exitCode, 130);
  t.is(output, "up\nfirst\ncleaned\n");
});

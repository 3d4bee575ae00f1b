import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { HostError, InterruptedError } from "../../src/model/error.ts";
import { captureProgram, runProgram } from "../../src/system/run-program.ts";
import { eventually, isRunning } from "../helpers/processes.ts";

const sh = (script: string, ...args: string[]) => ["/bin/sh", "-c", script, "sh", ...args];

test("gives lines, streams apart, and the exit status", async (t) => {
  const lines: string[] = [];
  const end = await runProgram(sh("echo one; echo two >&2; printf three; exit 7"), {
    onLine: (stream, line) => lines.push(`${stream} ${line}`),
  });
  t.is(end.exitCode, 7);
  t.is(end.signal, undefined);
  t.deepEqual(lines.toSorted(), ["stderr two", "stdout one", "stdout three"]);
});

test("hands on arguments, input and environment as they are", async (t) => {
  const { stdout } = await captureProgram(sh('cat; echo "$1|$A|$HOME"', "a b  'c'"), {
    input: "in\n",
    env: { A: "x y" },
  });
  t.is(stdout, "in\na b  'c'|x y|\n");
});

test("standard input is empty unless given", async (t) => {
  const { stdout } = await captureProgram(sh("readlink /proc/self/fd/0"));
  t.is(stdout, "/dev/null\n");
});

test("a death by signal is told as one", async (t) => {
  const end = await runProgram(sh("kill -9 $$"));
  t.deepEqual(end, { exitCode: undefined, signal: "SIGKILL" });
});

test("a program that is not there is an error that names it", async (t) => {
  const error = await t.throwsAsync(runProgram(["no-such-program-here"]), {
    instanceOf: HostError,
  });
  t.like(error, { code: "host/program-missing" });
  t.regex(error.message, /no-such-program-here/);
});

test("loses nothing of ten megabytes", async (t) => {
  let bytes = 0;
  await runProgram(sh("head -c 10000000 /dev/zero | tr '\\0' x | fold -w 99"), {
    onLine: (_, line) => {
      bytes += line.length;
    },
  });
  t.is(bytes, 10_000_000);
});

test("reads what the program writes to further pipes, and writes to others", async (t) => {
  let told = "";
  const { stdout } = await captureProgram(sh("echo ready >&3; cat <&4"), {
    pipes: ["tell", Buffer.from("secret")],
    onPipe: (index, bytes) => {
      told += `${index}:${bytes.toString()}`;
    },
  });
  t.is(told, "0:ready\n");
  t.is(stdout, "secret\n");
});

test("an abort ends the program with all of its group and throws the reason", async (t) => {
  const controller = new AbortController();
  const reason = new InterruptedError("SIGINT");
  let child = 0;
  const started = performance.now();
  const error = await t.throwsAsync(
    runProgram(sh("sleep 60 & echo $!; wait"), {
      signal: controller.signal,
      onLine: (_, line) => {
        child = Number(line);
        controller.abort(reason);
      },
    }),
  );
  t.is(error, reason);
  t.true(performance.now() - started < 2000);
  t.true(child > 0);
  await t.notThrowsAsync(eventually(() => !isRunning(child)));
});

test("a program that ignores SIGTERM is killed after the grace time", async (t) => {
  const started = performance.now();
  const end = await runProgram(sh("trap '' TERM; while :; do sleep 1; done"), { timeoutMs: 50 });
  t.is(end.signal, "SIGKILL");
  const elapsedMs = performance.now() - started;
  t.true(elapsedMs > 3000 && elapsedMs < 6000, `${elapsedMs} ms`);
});

test("a process left in the group is gone, and does not hold us up", async (t) => {
  const started = performance.now();
  const { stdout } = await captureProgram(sh("sleep 60 & echo $!"));
  t.true(performance.now() - started < 2000);
  t.regex(stdout, /^\d+\n$/);
  await t.notThrowsAsync(eventually(() => !isRunning(Number(stdout))));
});

test("with real pipes, output can be written to /dev/stderr by name", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const run = captureProgram(sh("echo a > /dev/stdout; echo b > /dev/stderr; tee /dev/stderr"), {
    pipeFolder: folder,
    input: "c\n",
  });
  t.like(await run, { exitCode: 0, stdout: "a\nc\n", stderr: "b\nc\n" });
  t.deepEqual(readdirSync(folder), []);
});

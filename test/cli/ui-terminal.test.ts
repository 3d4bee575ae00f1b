import test from "ava";
import type { Look } from "../../src/cli/live-region.ts";
import type { Verbosity } from "../../src/cli/message-level.ts";
import { lookOf, terminalView, type Clock } from "../../src/cli/ui-terminal.ts";
import type { BuildEvent } from "../../src/model/event.ts";
import { TinyTerminal } from "../helpers/tiny-terminal.ts";

const plain: Look = { hasColors: false, hasUnicode: true };

/** A view on a terminal of the given size, with time in our hands. */
function onTerminal(
  options: {
    columns?: number;
    rows?: number;
    look?: Look;
    verbosity?: Verbosity;
    stdoutIsTTY?: boolean;
  } = {},
) {
  const terminal = new TinyTerminal(options.columns, options.rows);
  let now = 0;
  let tick: (() => void) | undefined;
  let exit: (() => void) | undefined;
  const clock: Clock = {
    now: () => now,
    every: (_, call) => {
      tick = call;
      return () => (tick = undefined);
    },
    atExit: (call) => {
      exit = call;
      return () => (exit = undefined);
    },
  };
  let stdout = "";
  const output = {
    isTTY: options.stdoutIsTTY ?? true,
    write: (text: string | Uint8Array) => (stdout += Buffer.from(text).toString()),
  };
  const view = terminalView(
    { stdout: output, stderr: terminal },
    options.look ?? plain,
    options.verbosity ?? "normal",
    clock,
  );
  return {
    terminal,
    view,
    tell: (...events: readonly BuildEvent[]) => {
      for (const event of events) view.listener(event);
    },
    pass: (elapsedMs: number) => {
      now += elapsedMs;
      tick?.();
    },
    exit: () => exit?.(),
    isTicking: () => tick !== undefined,
    stdout: () => stdout,
  };
}

const start: BuildEvent = { type: "build-start", target: "app.sif", spec: "app.def", steps: 3 };
const step = (number: number, title: string): BuildEvent => ({
  type: "step-start",
  step: number,
  title,
});
const stepEnd = (number: number, elapsedMs: number): BuildEvent => ({
  type: "step-end",
  step: number,
  elapsedMs,
});
const output = (line: string, stream: "stdout" | "stderr" = "stdout"): BuildEvent => ({
  type: "step-output",
  step: 2,
  stream,
  line,
});
const progress = (task: string, done: number, total?: number): BuildEvent => ({
  type: "progress",
  task,
  done,
  ...(total === undefined ? {} : { total }),
  unit: "bytes",
});
const end: BuildEvent = {
  type: "build-end",
  target: "app.sif",
  sizeBytes: 5_452_595,
  elapsedMs: 67_000,
};

test("finished steps are one line each, the running one has its time", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(1, "Bootstrapping"), stepEnd(1, 1234), step(2, "Running %post"));
  pass(3100);
  t.deepEqual(terminal.lines, [
    "Building app.sif from app.def",
    "✔ [1/3] Bootstrapping  1.2s",
    "⠙ [2/3] Running %post  3.1s",
  ]);
  pass(100);
  t.is(terminal.lines[2], "⠹ [2/3] Running %post  3.2s");
});

test("the last lines of a script are seen while it runs, and gone afterwards", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(2, "Running %post"));
  for (let index = 1; index <= 9; index++) tell(output(`line ${index}`));
  pass(0);
  t.deepEqual(
    terminal.lines.slice(2),
    [4, 5, 6, 7, 8, 9].map((index) => `    │ line ${index}`),
  );
  tell(stepEnd(2, 5000));
  t.deepEqual(terminal.lines.slice(1), ["✔ [2/3] Running %post  5.0s"]);
});

test("thousands of lines between two drawings are one drawing", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(2, "x"));
  const before = terminal.raw.length;
  for (let index = 0; index < 5000; index++) tell(output(`line ${index}`));
  t.is(terminal.raw.length, before);
  pass(100);
  t.true(terminal.raw.length - before < 1000);
  t.is(terminal.lines.at(-1), "    │ line 4999");
});

test("pieces of work have bars until they are done", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(1, "Bootstrapping"));
  tell(progress("layer 1", 1024, 2048), progress("layer 2", 0, 4096), progress("layer 3", 999));
  pass(0);
  t.deepEqual(terminal.lines.slice(2), [
    `    layer 1  ${"█".repeat(15)}${"░".repeat(15)}  1.0 KiB of 2.0 KiB`,
    `    layer 2  ${"░".repeat(30)}  0 B of 4.0 KiB`,
    "    layer 3  999 B",
  ]);
  tell(progress("layer 1", 2048, 2048));
  pass(100);
  t.is(terminal.lines.length, 4);
  for (let index = 4; index < 9; index++) tell(progress(`layer ${index}`, 1, 2));
  pass(100);
  t.is(terminal.lines.at(-1), "    and 3 more");
  tell(stepEnd(1, 1));
  t.is(terminal.lines.length, 2);
});

test("a server that sends more than it announced doesn't break the bar", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(1, "x"), { type: "progress", task: "l", done: 9, total: 3, unit: "entries" });
  pass(0);
  t.is(terminal.lines.at(-1), `    l  ${"█".repeat(30)}  9 of 3`);
});

test("warnings stay where they happened and come again at the end", (t) => {
  const { terminal, tell, view } = onTerminal();
  const location = { file: "app.def", line: 3, column: 1, length: 1 };
  tell(start, step(1, "Metadata"));
  tell({ type: "warning", code: "a/b", message: "odd", location, hint: "do so" });
  t.deepEqual(terminal.lines.slice(1), [
    "WARNING: app.def:3:1: odd",
    "         hint: do so",
    "⠋ [1/3] Metadata  0.0s",
  ]);
  tell(stepEnd(1, 10), { type: "note", message: "noted" }, end);
  view[Symbol.dispose]();
  t.deepEqual(terminal.lines.slice(3), [
    "✔ [1/3] Metadata  0.0s",
    "INFO:    noted",
    "WARNING: app.def:3:1: odd",
    "         hint: do so",
    "✔ Build complete: app.sif  5.2 MiB in 1m07s",
  ]);
});

test("the cursor is hidden during a build and back after it, on a line of its own", (t) => {
  const { terminal, tell, view, isTicking } = onTerminal();
  t.true(terminal.isCursorVisible);
  tell(start, step(1, "x"));
  t.false(terminal.isCursorVisible);
  tell(stepEnd(1, 1), end);
  view[Symbol.dispose]();
  t.true(terminal.isCursorVisible);
  t.deepEqual(terminal.cursor, [3, 0]);
  t.false(isTicking());
});

test("a build that fails leaves the step it was in", (t) => {
  const { terminal, tell, pass, view } = onTerminal();
  tell(start, step(2, "Running %post"), output("cc: not found"));
  pass(2000);
  view[Symbol.dispose]();
  t.deepEqual(terminal.lines, ["Building app.sif from app.def", "✘ [2/3] Running %post  2.0s"]);
  t.true(terminal.isCursorVisible);
  t.deepEqual(terminal.cursor, [2, 0]);
  terminal.write("tsbuild: error: x\n");
  t.is(terminal.lines[2], "tsbuild: error: x");
});

test("the end of the process gives the cursor back too", (t) => {
  const { terminal, tell, exit } = onTerminal();
  tell(start, step(1, "x"));
  exit();
  t.true(terminal.isCursorVisible);
});

test("a view that is told nothing writes nothing", (t) => {
  const { terminal, pass, view } = onTerminal();
  pass(1000);
  view[Symbol.dispose]();
  t.is(terminal.raw, "");
});

test("long lines are cut, so that the region can be drawn over", (t) => {
  const { terminal, tell, pass } = onTerminal({ columns: 30 });
  tell(start, step(2, "A title that is much too long for this"), output("x".repeat(100)));
  for (let index = 0; index < 5; index++) pass(100);
  t.deepEqual(terminal.lines.slice(1), [
    "⠴ [2/3] A title that is much…",
    "    │ xxxxxxxxxxxxxxxxxxxxxx…",
  ]);
});

test("wide characters count twice", (t) => {
  const { terminal, tell, pass } = onTerminal({ columns: 20 });
  tell(start, step(2, "x"), output("漢".repeat(20)));
  pass(100);
  t.is(terminal.lines.at(-1), `    │ ${"漢".repeat(6)}…`);
});

for (const columns of [10, 17, 40, 100]) {
  test(`a terminal that becomes ${columns} columns wide is drawn right from the next time on`, (t) => {
    const { terminal, tell, pass } = onTerminal({ columns: 60 });
    tell(start, step(1, "Bootstrapping from docker alpine:3.20"), stepEnd(1, 1000));
    tell(step(2, "Running a step with a title of some length"), output("y".repeat(80)));
    tell({ type: "progress", task: "layer", done: 1, total: 2, unit: "bytes" });
    pass(100);
    terminal.resize(columns);
    pass(100);
    pass(100);
    const live = terminal.lines.filter((line) => line.includes("[2/3]"));
    t.is(live.length, 1, terminal.lines.join("\n"));
    t.is(terminal.lines.filter((line) => line.includes("│")).length, 1);
    t.is(terminal.lines.filter((line) => line.includes("    lay")).length, 1);
  });
}

test("a terminal that says it has no columns is taken for an ordinary one", (t) => {
  const { terminal, tell, pass } = onTerminal();
  Object.defineProperty(terminal, "columns", { get: () => 0 });
  tell(start, step(2, "A title"));
  pass(100);
  t.true(terminal.raw.includes("[2/3] A title"));
});

test("a low terminal shows as much of the region as fits", (t) => {
  const { terminal, tell, pass } = onTerminal({ rows: 4 });
  tell(start, step(2, "x"));
  for (let index = 1; index <= 6; index++) tell(output(`line ${index}`));
  for (let index = 0; index < 5; index++) pass(100);
  t.is(terminal.lines.filter((line) => line.includes("[2/3]")).length, 1);
});

test("output loses colours, cursor movements and all but the last state of a line", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(2, "x"));
  tell(output("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007\u001b[2Jtext\ttab"));
  tell(output("10%\r50%\r100%\r"));
  tell(output("bell\u0007 \u009b2J"));
  pass(100);
  t.deepEqual(terminal.lines.slice(2), [
    "    │ red text    tab",
    "    │ 100%",
    "    │ bell\\x07 \\x9b2J",
  ]);
});

test("a line of megabytes costs no more than any other", (t) => {
  const { terminal, tell, pass } = onTerminal();
  tell(start, step(2, "x"), output(`${"\u001b[1mé".repeat(2_000_000)}\r99%`));
  const started = performance.now();
  for (let index = 0; index < 50; index++) pass(100);
  t.true(performance.now() - started < 2000);
  t.is(terminal.lines.at(-1), "    │ 99%");
});

test("verbose keeps the output of scripts", (t) => {
  const { terminal, tell, view } = onTerminal({ verbosity: "verbose" });
  tell(start, step(2, "x"), { type: "command", step: 2, command: "sh -ex f" });
  tell(output("one"), output("two", "stderr"), stepEnd(2, 1), end);
  view[Symbol.dispose]();
  t.deepEqual(terminal.lines.slice(1, 5), [
    "VERBOSE: Running sh -ex f",
    "    one",
    "    two",
    "✔ [2/3] x  0.0s",
  ]);
});

test("standard output that is a file gets what scripts print there, as it is", (t) => {
  const view = onTerminal({ stdoutIsTTY: false });
  view.tell(start, step(2, "x"), output("a\u001b[1mb"), output("trace", "stderr"));
  t.is(view.stdout(), "a\u001b[1mb\n");
  const both = onTerminal({ stdoutIsTTY: true });
  both.tell(start, step(2, "x"), output("a"));
  t.is(both.stdout(), "");
});

test("without Unicode everything is ASCII", (t) => {
  const look = { hasColors: true, hasUnicode: false };
  const { terminal, tell, pass, view } = onTerminal({ look, columns: 40 });
  tell(start, step(1, "x".repeat(60)), output("y".repeat(60)));
  tell({ type: "progress", task: "t", done: 1, total: 2, unit: "bytes" });
  pass(100);
  tell(stepEnd(1, 1), step(2, "z"));
  view[Symbol.dispose]();
  // eslint-disable-next-line no-control-regex
  t.regex(terminal.raw, /^[\u0000-\u007f]*$/);
  t.true(terminal.raw.includes("..."));
});

/** A terminal after one step. */
const drawn = (hasColors: boolean) => {
  const { terminal, tell } = onTerminal({ look: { hasColors, hasUnicode: true } });
  tell(start, step(1, "x"), stepEnd(1, 1));
  return terminal;
};

test("colours only where they are wanted", (t) => {
  t.true(drawn(true).raw.includes("\u001b[32m✔\u001b[39m"));
  // eslint-disable-next-line no-control-regex
  t.notRegex(drawn(false).raw, /\u001b\[[0-9;]*m/);
  t.deepEqual(drawn(true).lines, drawn(false).lines);
});

test("the environment says what a terminal can show", (t) => {
  t.deepEqual(lookOf({ LANG: "en_US.UTF-8" }, {}), { hasColors: true, hasUnicode: true });
  t.deepEqual(lookOf({ LANG: "en_US.UTF-8", LC_ALL: "C" }, {}), {
    hasColors: true,
    hasUnicode: false,
  });
  t.deepEqual(lookOf({ NO_COLOR: "1", LC_CTYPE: "de_DE.utf8" }, {}), {
    hasColors: false,
    hasUnicode: true,
  });
  t.deepEqual(lookOf({ NO_COLOR: "" }, { nocolor: true }), { hasColors: false, hasUnicode: false });
  t.true(lookOf({ NO_COLOR: "" }, {}).hasColors);
});

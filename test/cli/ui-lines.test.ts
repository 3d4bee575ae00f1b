import test from "ava";
import type { Verbosity } from "../../src/cli/message-level.ts";
import { lineListener } from "../../src/cli/ui-lines.ts";
import type { BuildEvent } from "../../src/model/event.ts";

/** One of each kind, in the order of a small build. */
const build: readonly BuildEvent[] = [
  { type: "build-start", target: "app.sif", spec: "app.def", steps: 3 },
  {
    type: "warning",
    code: "definition/x",
    message: "odd heading",
    location: { file: "app.def", line: 3, column: 1, length: 5 },
    hint: "write it so",
  },
  { type: "step-start", step: 1, title: "Bootstrapping from docker alpine" },
  { type: "progress", task: "layer 3a2f", done: 1, total: 2048, unit: "bytes" },
  { type: "progress", task: "layer 3a2f", done: 2048, total: 2048, unit: "bytes" },
  { type: "step-end", step: 1, elapsedMs: 1234 },
  { type: "step-start", step: 2, title: "Running %post" },
  { type: "command", step: 2, command: "unshare -r /bin/sh -ex /.post.script" },
  { type: "step-output", step: 2, stream: "stderr", line: "+ echo hi" },
  { type: "step-output", step: 2, stream: "stdout", line: "hi \u001b[31mred\u001b[0m" },
  { type: "step-end", step: 2, elapsedMs: 65_000 },
  { type: "note", message: "2 files were left as they are" },
  { type: "build-end", target: "app.sif", sizeBytes: 5_452_595, elapsedMs: 67_000 },
];

const end: BuildEvent = { type: "build-end", target: "x", sizeBytes: 1, elapsedMs: 1 };
const warning = (message: string): BuildEvent => ({ type: "warning", code: "a/b", message });

const to = (list: string[]) => ({
  write: (text: string | Uint8Array) => list.push(Buffer.from(text).toString("utf8")),
});

function told(events: readonly BuildEvent[], verbosity: Verbosity) {
  const out: string[] = [];
  const err: string[] = [];
  const listener = lineListener({ stdout: to(out), stderr: to(err) }, verbosity);
  for (const event of events) listener(event);
  return { stdout: out.join(""), stderr: err.join("") };
}

const script = { stdout: "hi \u001b[31mred\u001b[0m\n", trace: "+ echo hi\n" };

test("a build as lines", (t) => {
  const { stdout, stderr } = told(build, "normal");
  t.is(stdout, script.stdout);
  t.is(
    stderr,
    `INFO:    Starting build of app.sif from app.def
WARNING: app.def:3:1: odd heading
         hint: write it so
INFO:    [1/3] Bootstrapping from docker alpine
INFO:    [2/3] Running %post
+ echo hi
INFO:    2 files were left as they are
WARNING: Once more: app.def:3:1: odd heading
         hint: write it so
INFO:    5.2 MiB in 1m07s
INFO:    Build complete: app.sif
`,
  );
});

test("verbose lines tell of times and finished work too", (t) => {
  const lines = told(build, "verbose").stderr.split("\n");
  t.deepEqual(
    lines.filter((line) => line.startsWith("VERBOSE:")),
    [
      "VERBOSE: layer 3a2f: 2.0 KiB",
      "VERBOSE: [1/3] took 1.2s",
      "VERBOSE: Running unshare -r /bin/sh -ex /.post.script",
      "VERBOSE: [2/3] took 1m05s",
    ],
  );
});

test("verbose warnings say where to read more", (t) => {
  t.is(
    told([warning("w"), end], "verbose").stderr.split("INFO")[0],
    "WARNING: w\n         code: a/b (docs/errors/a/b.md)\n",
  );
});

test("quiet lines are warnings and what scripts print", (t) => {
  const { stdout, stderr } = told(build, "quiet");
  const warning = "WARNING: app.def:3:1: odd heading\n         hint: write it so\n";
  t.is(stdout, script.stdout);
  t.is(stderr, warning + script.trace + warning.replace("WARNING: ", "WARNING: Once more: "));
});

test("silent leaves only what scripts print", (t) => {
  t.deepEqual(told(build, "silent"), { stdout: script.stdout, stderr: script.trace });
});

test("what is not shown doesn't count as said", (t) => {
  const step: BuildEvent = { type: "step-start", step: 1, title: "x" };
  t.is(told([warning("w"), step, end], "quiet").stderr, "WARNING: w\n");
});

test("a warning that was the last thing said is not said twice", (t) => {
  t.is(told([warning("w"), end], "quiet").stderr, "WARNING: w\n");
});

test("several warnings are counted and repeated", (t) => {
  const events = [warning("v"), { type: "note", message: "n" } as const, warning("w"), end];
  t.deepEqual(told(events, "normal").stderr.split("\n").slice(0, -3), [
    "WARNING: v",
    "INFO:    n",
    "WARNING: w",
    "WARNING: 2 warnings in this build:",
    "WARNING: v",
    "WARNING: w",
  ]);
});

test("a long download is heard of when nothing else is", (t) => {
  let now = 0;
  const lines: string[] = [];
  const listener = lineListener({ stdout: to([]), stderr: to(lines) }, "normal", () => now);
  for (; now <= 60_000; now += 1000) {
    const done = (now / 60_000) * 3 * 1024 ** 2;
    listener({ type: "progress", task: "layer 3a2f", done, total: 3 * 1024 ** 2, unit: "bytes" });
    if (now === 30_000) listener({ type: "note", message: "n" });
  }
  t.deepEqual(lines, [
    "INFO:    layer 3a2f: 1.0 MiB of 3.0 MiB\n",
    "INFO:    n\n",
    "INFO:    layer 3a2f: 2.5 MiB of 3.0 MiB\n",
  ]);
});

test("a title or message can't bring control characters to the terminal", (t) => {
  const evil = "a\u001b]0;owned\u0007b\u009b2Jc\rd\u202e";
  const events: BuildEvent[] = [
    { type: "build-start", target: evil, spec: evil, steps: 1 },
    { type: "step-start", step: 1, title: evil },
    { type: "note", message: evil },
    { type: "warning", code: "a/b", message: evil, hint: evil },
    { type: "progress", task: evil, done: 1, total: 1, unit: "entries" },
    { type: "build-end", target: evil, sizeBytes: 1, elapsedMs: 1 },
  ];
  const { stderr } = told(events, "verbose");
  // eslint-disable-next-line no-control-regex
  t.notRegex(stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  t.true(stderr.includes("a\\x1b]0;owned\\x07b\\x9b2Jc\\x0dd\\u202e"));
});

import test from "ava";
import { printError, type ErrorForm } from "../../src/cli/print-error.ts";
import {
  DefinitionError,
  FormatError,
  HostError,
  InterruptedError,
  ScriptError,
  SourceError,
  UsageError,
} from "../../src/model/error.ts";

function printed(error: unknown, form: ErrorForm = { verbose: false }) {
  let text = "";
  const output = { write: (more: string | Uint8Array) => (text += Buffer.from(more).toString()) };
  const exitCode = printError(error, output, form);
  return { text, exitCode };
}

const location = { file: "app.def", line: 12, column: 3, length: 4 };

test("an error answers what, where, what next and where to read more", (t) => {
  const error = new ScriptError("script/failed", "%post ended with status 3", {
    location,
    details: ["+ make", "make: gcc: No such file"],
    hint: "install a compiler first",
  });
  t.deepEqual(printed(error), {
    text: `tsbuild: error: %post ended with status 3
    + make
    make: gcc: No such file
at: app.def:12:3
hint: install a compiler first
code: script/failed (docs/errors/script/failed.md)
`,
    exitCode: 5,
  });
});

test("what is not known is left out", (t) => {
  t.is(
    printed(new SourceError("source/x", "no such image")).text,
    "tsbuild: error: no such image\ncode: source/x (docs/errors/source/x.md)\n",
  );
});

test("verbose shows the causes, down to the first", (t) => {
  const root = new Error("connect ECONNREFUSED");
  const middle = new TypeError("fetch failed", { cause: root });
  const error = new SourceError("source/x", "can't be had", { cause: middle });
  t.false(printed(error).text.includes("cause"));
  t.deepEqual(printed(error, { verbose: true }).text.split("\n").slice(-3), [
    "cause: TypeError: fetch failed",
    "cause: Error: connect ECONNREFUSED",
    "",
  ]);
});

test("a cause that leads back to itself ends", (t) => {
  const loop = new Error("loop");
  loop.cause = loop;
  const error = new HostError("host/x", "m", { cause: loop });
  t.is(printed(error, { verbose: true }).text.match(/cause:/g)?.length, 1);
});

const diagnostic = (line: number, message: string) => ({
  severity: "error" as const,
  code: "definition/x",
  message,
  location: { file: "app.def", line, column: 1, length: 3 },
});

test("a definition's mistakes are all there, with their lines", (t) => {
  const error = new DefinitionError([diagnostic(1, "first"), diagnostic(3, "second")]);
  const { text, exitCode } = printed(Object.assign(error, { source: "abc\n\nxyz\n" }));
  t.is(exitCode, 3);
  t.regex(text, /^app\.def:1:1: error: first\n[^]*abc\n[^]*\^\^\^\n/);
  t.regex(text, /\n\napp\.def:3:1: error: second\n[^]*xyz\n[^]*\^\^\^\n/);
  t.regex(text, /code: definition\/x \(docs\/errors\/definition\/x\.md\)\n$/);
});

test("lines of the definition are not shown for a mistake in another file", (t) => {
  const error = new DefinitionError([
    {
      severity: "error",
      code: "arguments/x",
      message: "bad",
      location: { file: "args.txt", line: 1, column: 1, length: 1 },
    },
  ]);
  const { text } = printed(Object.assign(error, { source: "abc\n", file: "app.def" }));
  t.true(text.startsWith("args.txt:1:1: error: bad\n"));
  t.false(text.includes("abc"));
});

test("every family has its exit code", (t) => {
  const codes = [
    new UsageError("usage/x", "m"),
    new DefinitionError([]),
    new SourceError("source/x", "m"),
    new ScriptError("script/x", "m"),
    new HostError("host/x", "m"),
    new FormatError("sif/x", "m"),
    new InterruptedError("SIGINT"),
    new Error("m"),
    "thrown text",
  ].map((error) => printed(error).exitCode);
  t.deepEqual(codes, [2, 3, 4, 5, 6, 7, 130, 1, 1]);
});

test("an interruption is one line", (t) => {
  t.is(printed(new InterruptedError("SIGTERM")).text, "tsbuild: interrupted by SIGTERM\n");
});

test("anything else is our mistake: the stack, the causes and what to do", (t) => {
  const error = new RangeError("offset", { cause: new Error("inner") });
  const { text } = printed(error);
  t.regex(text, /^tsbuild: error: something happened that tsbuild was not made for\n/);
  t.regex(text, /\n {4}RangeError: offset\n {4} {4}at .*print-error\.test\.ts/);
  t.regex(text, /\n {4}cause: Error: inner\n/);
  t.regex(text, /Please report it/);
});

test("an error during the clean-up doesn't hide the one before it", (t) => {
  const first = new ScriptError("script/x", "first");
  const { text, exitCode } = printed(new SuppressedError(new Error("clean-up"), first));
  t.true(text.startsWith("tsbuild: error: first\n"));
  t.is(exitCode, 5);
});

test("a full disk is not our mistake", (t) => {
  const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
    path: "/tmp/x",
  });
  const { text, exitCode } = printed(error, { verbose: true });
  t.is(exitCode, 6);
  t.true(text.startsWith("tsbuild: error: there is no space left for /tmp/x\n"));
  t.regex(text, /code: host\/no-space/);
  t.regex(text, /cause: Error: ENOSPC/);
});

test("control characters in messages, hints and details are shown, not obeyed", (t) => {
  const evil = "a\u001b[2Jb\rc\u0007";
  const error = new FormatError("tar/x", evil, {
    hint: evil,
    details: [evil],
    location: { ...location, file: evil },
  });
  const { text } = printed(error);
  // eslint-disable-next-line no-control-regex
  t.notRegex(text, /[\u0000-\u0009\u000b-\u001f]/);
  t.is(text.match(/a\\x1b\[2Jb\\x0dc\\x07/g)?.length, 4);
});

test("for programs an error is one line of JSON", (t) => {
  const error = new ScriptError("script/failed", "m\nn", { location, details: ["d"], hint: "h" });
  const { text, exitCode } = printed(error, { verbose: false, json: true });
  t.is(exitCode, 5);
  t.is(text.split("\n").length, 2);
  const { time, ...event } = JSON.parse(text) as Record<string, unknown>;
  t.regex(String(time), /^\d{4}-\d\d-\d\dT/);
  t.deepEqual(event, {
    type: "error",
    code: "script/failed",
    message: "m\nn",
    hint: "h",
    location,
    details: ["d"],
    exitCode: 5,
  });
  const bug = JSON.parse(printed(new Error("x"), { verbose: false, json: true }).text) as object;
  t.like(bug, { type: "error", code: "bug", message: "Error: x", exitCode: 1 });
});

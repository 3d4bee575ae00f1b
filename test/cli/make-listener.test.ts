import test from "ava";
import { makeListener } from "../../src/cli/make-listener.ts";
import { TinyTerminal } from "../helpers/tiny-terminal.ts";

type Flags = Parameters<typeof makeListener>[0];

/** What a view of these flags writes for the start of a build. */
function shown(flags: Flags, isTTY: boolean, environment: Record<string, string> = {}): string {
  let text = "";
  const pipe = { write: (more: string | Uint8Array) => (text += Buffer.from(more).toString()) };
  const terminal = new TinyTerminal();
  const stderr = isTTY ? terminal : pipe;
  using view = makeListener(flags, { stdout: pipe, stderr, environment, folder: "/" });
  view.listener({ type: "build-start", target: "a.sif", spec: "a.def", steps: 1 });
  view.listener({ type: "step-start", step: 1, title: "x" });
  return isTTY ? terminal.raw : text;
}

const isLive = (text: string) => text.includes("\u001b[?25l");
const lines = "INFO:    Starting build of a.sif from a.def\nINFO:    [1/1] x\n";

test("live on a terminal, lines in a pipe", (t) => {
  t.true(isLive(shown({}, true)));
  t.is(shown({}, false), lines);
});

test("lines on a terminal that can't move its cursor, or when asked for", (t) => {
  t.is(shown({}, true, { TERM: "dumb" }), lines);
  t.is(shown({ progress: "plain" }, true), lines);
});

test("quiet and silent are lines: none", (t) => {
  t.is(shown({ quiet: true }, true), "");
  t.is(shown({ silent: true }, true), "");
  t.is(shown({ silent: true, verbose: true }, false), "");
});

test("JSON when asked for, terminal or not", (t) => {
  for (const isTTY of [true, false]) {
    const [first = ""] = shown({ progress: "json" }, isTTY).split("\n");
    t.like(JSON.parse(first) as object, { type: "build-start", target: "a.sif" });
  }
});

test("no colours when the user doesn't want them", (t) => {
  t.true(shown({}, true).includes("\u001b[1m"));
  t.false(shown({}, true, { NO_COLOR: "1" }).includes("\u001b[1m"));
  t.false(shown({ nocolor: true }, true).includes("\u001b[1m"));
});

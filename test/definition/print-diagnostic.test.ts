import test from "ava";
import { printDiagnostic } from "../../src/definition/print-diagnostic.ts";
import type { Diagnostic } from "../../src/model/diagnostic.ts";

const at = (line: number, column: number, length: number): Diagnostic => ({
  severity: "error",
  code: "a/b",
  message: "wrong",
  location: { file: "f", line, column, length },
});

/** The rows with the place and its underline. */
const frame = (line: string, column: number, length: number) =>
  printDiagnostic(at(1, column, length), line)
    .split("\n")
    .slice(1, 3);

test("a diagnostic shows its place between the lines around it", (t) => {
  t.is(
    printDiagnostic({ ...at(7, 1, 7), hint: "do this" }, `${"\n".repeat(6)}%instal\n    gcc\n`),
    [
      "f:7:1: error: wrong",
      "    6 |",
      "    7 | %instal",
      "      | ^^^^^^^",
      "    8 |     gcc",
      "hint: do this",
      "code: a/b (docs/errors/a/b.md)",
    ].join("\n"),
  );
});

test("the first and the last line have one neighbour", (t) => {
  t.is(printDiagnostic(at(1, 1, 1), "a\nb").split("\n").length, 5);
  t.is(printDiagnostic(at(2, 1, 1), "a\nb").split("\n").length, 5);
  t.is(printDiagnostic(at(1, 1, 1), "a\n").split("\n").length, 4);
});

test("a place that is not in the text has no frame", (t) => {
  t.deepEqual(printDiagnostic(at(9, 1, 1), "a").split("\n").length, 2);
  t.deepEqual(printDiagnostic(at(1, 1, 1), undefined).split("\n").length, 2);
});

test("an option of the command line has no line number", (t) => {
  const diagnostic = {
    ...at(1, 1, 0),
    location: { file: "--build-arg v", line: 1, column: 1, length: 0 },
  };
  t.is(
    printDiagnostic(diagnostic, "text"),
    "--build-arg v: error: wrong\ncode: a/b (docs/errors/a/b.md)",
  );
});

test("the underline follows tabs, wide characters and marks", (t) => {
  t.deepEqual(frame("\tx y", 4, 1), ["    1 |         x y", "      |           ^"]);
  t.deepEqual(frame("世界 y", 4, 1), ["    1 | 世界 y", "      |      ^"]);
  t.deepEqual(frame("世界 y", 1, 2), ["    1 | 世界 y", "      | ^^^^"]);
  t.deepEqual(frame("e\u0301 y", 4, 1), ["    1 | e\u0301 y", "      |   ^"]);
  t.deepEqual(frame("😀 y", 3, 1), ["    1 | 😀 y", "      |    ^"]);
});

test("a place beyond the end of its line is marked at the end", (t) => {
  t.deepEqual(frame("ab", 9, 3), ["    1 | ab", "      |   ^"]);
  t.deepEqual(frame("ab", 2, 99), ["    1 | ab", "      |  ^"]);
});

test("nothing of the source reaches the terminal as a command", (t) => {
  const printed = printDiagnostic(at(1, 1, 1), "\u001b[31m\u0007\r\u009b\u202e\u007f\ud800x\n");
  t.notRegex(printed, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test("of a long line the part around the place is shown", (t) => {
  const [line = "", mark = ""] = frame(`${"a".repeat(5000)}X${"b".repeat(5000)}`, 5001, 1);
  t.true(line.length < 120);
  t.is(line[mark.indexOf("^")], "X");
});

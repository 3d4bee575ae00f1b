// The mistakes that make a stage's text unreadable, in words.

import type { Diagnostic } from "../model/diagnostic.ts";
import { appOf, bodyText } from "./build-stage.ts";
import { displayText } from "./display-text.ts";
import { isHeaderKeyword } from "./header-keywords.ts";
import { foldCase, headingName } from "./heading.ts";
import { openHeredoc } from "./heredoc.ts";
import type { SectionSyntax, StageProblem, StageSyntax } from "./read-stage.ts";
import type { StageText } from "./source-text.ts";
import { noColonHint, unknownKeywordHint } from "./unknown-keyword.ts";
import { unknownSection } from "./unknown-section.ts";
import { lineEnd } from "./tokens.ts";
import { trim } from "./white-space.ts";

/**
 * What the syntax of a stage has against it.
 * @param isLater whether a `bootstrap:` line below a section of the text above started this stage
 */
export function syntaxProblems(
  syntax: StageSyntax,
  text: StageText,
  isLater: boolean,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const add = (code: string, start: number, end: number, message: string, hint: string) =>
    found.push({
      severity: "error",
      code,
      message,
      location: text.location(start, end),
      hint,
    });
  // Said once: who reads the first of many such mistakes knows about the others.
  let splitNote = isLater
    ? " (this is the header of a stage because the line above that starts with bootstrap: begins one, in a heredoc too: indent that line if it is text)"
    : "";
  const takeSplitNote = () => {
    const note = splitNote;
    splitNote = "";
    return note;
  };
  for (const problem of syntax.problems) {
    const { start, end } = problem;
    if (problem.kind === "no-colon") {
      const line = text.text.slice(start, end);
      const message = `no colon in the header line "${displayText(line)}"`;
      add("definition/header-no-colon", start, end, message, noColonHint(line) + takeSplitNote());
    } else if (problem.kind === "broken-continuation") {
      const message = `the value of ${displayText(problem.key)} ends with a backslash and does not go on`;
      const hint = "take the backslash away, or the blank line or comment after it";
      add("definition/broken-continuation", start, end, message, hint);
    } else {
      const { message, hint } = unknownSection(problem.heading, delimiterAt(syntax, problem, text));
      add("definition/unknown-section", start, end, message, hint);
    }
  }
  const withoutColon = new Set(
    syntax.problems.filter(({ kind }) => kind === "no-colon").map(({ start }) => start),
  );
  for (const { key, keySpan, value } of syntax.fields) {
    // A field that is lost to its backslash is not looked at by Apptainer either.
    if (value === undefined || withoutColon.has(keySpan.start)) continue;
    if (isHeaderKeyword(foldCase(key))) continue;
    const line = text.text.slice(keySpan.start, lineEnd(text.text, keySpan.start)).trimEnd();
    const message = `unknown keyword ${displayText(key) || "before the colon"} in the header`;
    add(
      "definition/unknown-keyword",
      keySpan.start,
      keySpan.end,
      message,
      unknownKeywordHint(key, line) + takeSplitNote(),
    );
  }
  for (const section of syntax.sections) {
    const { start, end } = section.headingSpan;
    const name = headingName(section.heading);
    if (section.kind === "app" && appOf(section.heading.argument ?? "") === "") {
      const hint = `write the app's name behind one blank: %${name} APP`;
      add("definition/app-without-name", start, end, `%${name} names no app`, hint);
    }
  }
  const [first] = syntax.sections;
  // Of a text that starts with a section Apptainer trims that section, and then misses the end of the heading.
  if (first?.headingSpan.start === 0 && trim(bodyText(first, text.text)) === "") {
    const message = `%${headingName(first.heading)} is empty and there is no header before it`;
    const hint = "start with the header, Bootstrap: docker and From: debian:12 for instance";
    add("definition/section-alone", first.headingSpan.start, first.headingSpan.end, message, hint);
  }
  return found;
}

/** How far above a heading a heredoc is looked for, in characters. */
const maxHeredoc = 10_000;

/** What a heredoc waits for where an unknown heading stands. */
function delimiterAt(
  syntax: StageSyntax,
  problem: StageProblem,
  text: StageText,
): string | undefined {
  const above = syntax.sections.findLast((section) => section.headingSpan.start < problem.start);
  if (above === undefined || !holdsShell(above)) return undefined;
  // Thousands of mistakes must not each go through all that is above them for the sake of a hint.
  if (problem.start - above.bodySpan.start > maxHeredoc) return undefined;
  return openHeredoc(text.text.slice(above.bodySpan.start, problem.start));
}

const shellSections: ReadonlySet<string> = new Set([
  "setup",
  "environment",
  "pre",
  "post",
  "runscript",
  "test",
  "startscript",
  "appinstall",
  "appenv",
  "apptest",
  "apprun",
  "appstart",
]);

/** Whether the lines below the heading are for a shell. */
export function holdsShell({ heading }: SectionSyntax): boolean {
  return shellSections.has(headingName(heading));
}

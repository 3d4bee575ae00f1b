// What Apptainer accepts without a word in the text of a stage, although it is hardly meant.

import type { Diagnostic } from "../model/diagnostic.ts";
import { bodyText } from "./build-stage.ts";
import { displayText } from "./display-text.ts";
import { foldCase, headingName } from "./heading.ts";
import { openHeredoc } from "./heredoc.ts";
import type { StageSyntax } from "./read-stage.ts";
import type { StageText } from "./source-text.ts";
import { holdsShell } from "./stage-syntax-problems.ts";

/** The warnings about a stage that could be read. */
export function stageOddities(syntax: StageSyntax, text: StageText): Diagnostic[] {
  const found: Diagnostic[] = [];
  const add = (code: string, span: { start: number; end: number }, message: string, hint: string) =>
    found.push({
      severity: "warning",
      code,
      message,
      location: text.location(span.start, span.end),
      hint,
    });
  const seen = new Set<string>();
  for (const field of syntax.fields) {
    const key = foldCase(field.key);
    const shown = displayText(field.key);
    if (field.value === undefined) {
      const message = `${shown} is lost: its value ends with a backslash and does not go on`;
      add("definition/dropped-keyword", field, message, "take the backslash away");
      continue;
    }
    if (seen.has(key)) {
      const message = `${shown} is given again; only the last value counts`;
      add("definition/repeated-keyword", field, message, "keep one of the lines");
    }
    seen.add(key);
    if (key === "includecmd") {
      const message = `${shown} has no effect since version 3`;
      add(
        "definition/dead-keyword",
        field,
        message,
        "take the line away; %setup runs commands on the host",
      );
    }
  }
  for (const [index, section] of syntax.sections.entries()) {
    const above = syntax.sections[index - 1];
    if (above === undefined || !holdsShell(above)) continue;
    const delimiter = openHeredoc(bodyText(above, text.text));
    // The heading is only suspected when what ends the heredoc really comes, so that `a << b` is not taken for one.
    if (delimiter === undefined || !hasLine(bodyText(section, text.text), delimiter)) continue;
    const message = `%${headingName(section.heading)} starts a section in the middle of the heredoc up to ${displayText(delimiter)}`;
    const hint = "write %\\ in front of it if this line is text of the heredoc";
    add("definition/heading-in-heredoc", section.headingSpan, message, hint);
  }
  return found;
}

/** The warning about a stage that begins in the middle of a heredoc of the stage above. */
export function splitHeredoc(
  above: StageSyntax,
  aboveText: StageText,
  text: StageText,
): Diagnostic | undefined {
  const last = above.sections.at(-1);
  if (last === undefined || !holdsShell(last)) return undefined;
  const delimiter = openHeredoc(bodyText(last, aboveText.text));
  if (delimiter === undefined || !hasLine(text.text, delimiter)) return undefined;
  const feed = text.text.indexOf("\n");
  return {
    severity: "warning",
    code: "definition/bootstrap-in-heredoc",
    message: `this line starts a stage in the middle of the heredoc up to ${displayText(delimiter)}`,
    location: text.location(0, feed === -1 ? text.text.length : feed),
    hint: "indent the line if it is text of the heredoc, or write %\\ in front of it",
  };
}

const hasLine = (text: string, line: string) =>
  text.split("\n").some((other) => other.replace(/^\t+/, "").replace(/\r$/, "") === line);

import { displayText } from "../../definition/display-text.ts";
import { trim } from "../../definition/white-space.ts";
import type { Section } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";
import { sectionLine } from "./section-line.ts";

/** A LABEL for each line of `%labels`: the name up to the first blank, and the rest of the line. */
export function labelLines(section: Section, marks: Marks, losses: Losses): string[] {
  return section.body.split("\n").flatMap((raw, index) => {
    const text = trim(raw);
    if (text === "" || text.startsWith("#")) return [];
    const blank = text.indexOf(" ");
    const key = blank === -1 ? text : text.slice(0, blank);
    const value = blank === -1 ? "" : trim(text.slice(blank));
    if (/[=\s'"\\\r]/.test(key) || value.includes("\r")) {
      losses.lost(
        sectionLine(section, index, raw),
        `the label ${displayText(marks.shown(key))} can't be written`,
        "use letters, digits, . and - in its name",
      );
      return [];
    }
    return [`LABEL ${marks.word(key)}=${marks.word(value)}`];
  });
}

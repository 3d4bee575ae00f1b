import { displayText } from "../display-text.ts";
import { textLines } from "../text-lines.ts";
import { trim } from "../white-space.ts";
import { sectionsOf, type Rule } from "./rule.ts";

/** In what way a line is no name and value with a blank between them. */
function oddity(line: string): string | undefined {
  const blank = line.indexOf(" ");
  const name = trim(blank === -1 ? line : line.slice(0, blank));
  const value = blank === -1 ? "" : line.slice(blank + 1);
  if (name.includes("\t")) return `a tab does not end the name: it is ${displayText(name)}`;
  // `A="b c"`, of which only the first word got into the name, and `A=b`.
  if (/^[^=]+=["']/.test(name) || (blank === -1 && /^[^=]+=/.test(name))) {
    const rest = blank === -1 ? ", without a value" : "";
    return `= does not end the name: it is ${displayText(name)}${rest}`;
  }
  if (/^=\s/.test(value)) return `the value starts with =`;
  if (name.endsWith(":")) return `the colon belongs to the name ${displayText(name)}`;
  if (/^"[^"]*$/.test(name)) return `quotes don't hold a name together: it is ${displayText(name)}`;
  return undefined;
}

/** A label's name ends at the first blank, and the rest of the line is its value. */
export const labelForm: Rule = {
  name: "label-form",
  summary: "Labels are a name, a blank and a value.",
  *check(stage) {
    for (const section of sectionsOf(stage, "labels", "applabels")) {
      for (const { text, start, end } of textLines(section)) {
        const message = oddity(text);
        if (message === undefined) continue;
        const location = section.placeOf(start, end);
        yield { location, message, hint: "write a name, a blank and the value: Version 1.0" };
      }
    }
  },
};

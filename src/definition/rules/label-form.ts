import { displayText } from "../display-text.ts";
import { sectionsOf, textLines, type Rule } from "./rule.ts";

/** In what way a line is no name and value with a blank between them. */
function oddity(line: string): string | undefined {
  const blank = line.indexOf(" ");
  const name = blank === -1 ? line : line.slice(0, blank);
  if (name.includes("\t")) return `a tab does not end the name: it is ${displayText(name)}`;
  if (blank === -1 && /^[^=]+=/.test(name)) {
    return `= does not end the name: it is ${displayText(name)}, without a value`;
  }
  if (/^=\s/.test(line.slice(blank + 1))) return `the value starts with =`;
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
      for (const { text, location } of textLines(section)) {
        const message = oddity(text);
        if (message === undefined) continue;
        yield { location, message, hint: "write a name, a blank and the value: Version 1.0" };
      }
    }
  },
};

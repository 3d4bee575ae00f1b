// Fixes for the headings of sections.

import { foldCase } from "../heading.ts";
import {
  appSectionNames,
  isAppSectionName,
  isSectionName,
  sectionNames,
} from "../section-names.ts";
import { certainSuggestion } from "./certain-suggestion.ts";
import { replacing, type Fixer } from "./place.ts";

/**
 * A misspelt name, a tab behind it, a colon, a blank in front of it, capitals in the name of an app section. A line that
 * is indented, or stands in a heredoc, may be text, and an app section needs the app's name.
 */
export const unknownSection: Fixer = ({ lines, line, start, text }) => {
  if (isInHeredoc(lines.text.slice(Math.max(0, start - 10_000), start))) return undefined;
  const match = /^(%+[ \t]*)([A-Za-z]+)([:;,.]?)([ \t]*)/.exec(lines.line(line));
  if (match === null || !text.startsWith("%")) return undefined;
  const [whole, , word = "", , blanks = ""] = match;
  const rest = lines.line(line).slice(whole.length);
  // What runs on behind the name makes another word of it.
  if (rest !== "" && blanks === "") return undefined;
  const folded = foldCase(word);
  const isKnown = isSectionName(folded) || isAppSectionName(folded);
  const name = isKnown ? folded : certainSuggestion(word, [...sectionNames, ...appSectionNames]);
  if (name === undefined || (isAppSectionName(name) && rest === "")) return undefined;
  const heading = `%${name}${rest === "" ? "" : " "}`;
  return replacing(`Write ${heading.trim()}`, start, start + whole.length, heading);
};

/** Whether a heredoc may be open at the end of the text. */
function isInHeredoc(text: string): boolean {
  const body = text.slice(Math.max(0, text.lastIndexOf("\n%") + 1));
  return /<<-?\s*["'\\]?\w/.test(body);
}

/** `%files ` with blanks behind it → `%files` */
export const filesIgnored: Fixer = ({ lines, line }) => {
  const [, name = "", blanks = ""] = /^(%+files)([ \t]+)$/i.exec(lines.line(line)) ?? [];
  if (blanks === "") return undefined;
  const at = lines.start(line) + name.length;
  return replacing("Take the blanks behind %files away", at, at + blanks.length, "");
};

/** `%files from biuld` → `%files from build` */
export const unknownStage: Fixer = ({ lines, line }, { stages }) => {
  const [, before = "", word = ""] =
    /^(%+files +[^\s#]+ +)([^\s#]+)\s*(?:#.*)?$/i.exec(lines.line(line)) ?? [];
  const near = word === "" ? undefined : certainSuggestion(word, stages);
  if (near === undefined || /[\s#]/.test(near)) return undefined;
  const at = lines.start(line) + before.length;
  return replacing(`Write ${near}`, at, at + word.length, near);
};

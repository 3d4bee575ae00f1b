// A section starts at every line whose first word starts with `%`, wherever the line is; that is Apptainer's rule, and it
// knows neither quotes nor heredocs. The name is what stands before the first blank, with all leading `%` taken off. It
// is not trimmed before that: an indented heading has the name "", or one with a tab in it.

import type { AppSectionName, SectionName } from "../model/definition.ts";
import { isAppSectionName, isSectionName } from "./section-names.ts";
import { blankClass, skipBlanks } from "./white-space.ts";

export type HeadingKind = "section" | "app" | "unknown";

export interface Heading {
  /** The line without its end. */
  readonly line: string;
  /** What stands before the first blank, without `%`, in the case of the file. */
  readonly word: string;
  /** What stands after the first blank, as it is; undefined when there is no blank. */
  readonly argument: string | undefined;
}

/** The heading that starts at the offset, which is the start of a line, or undefined if that line is none. */
export function headingAt(text: string, offset: number): Heading | undefined {
  // Most lines are through here, by their first character.
  const first = text.charCodeAt(offset);
  if (first === 0x0a || (first > 0x20 && first < 0x80 && first !== 0x25)) return undefined;
  if (text[skipBlanks(text, offset)] !== "%") return undefined;
  const feed = text.indexOf("\n", offset);
  const end = feed === -1 ? text.length : feed;
  const line = text.slice(offset, text[end - 1] === "\r" ? end - 1 : end);
  const [word = "", ...rest] = line.replace(/^%+/, "").split(" ");
  return { line, word, argument: rest.length === 0 ? undefined : rest.join(" ") };
}

/** What kind of section the heading starts. Plain names may be written in any case, those of apps may not. */
export function headingKind({ word }: Heading): HeadingKind {
  if (isSectionName(foldCase(word))) return "section";
  return isAppSectionName(word) ? "app" : "unknown";
}

/** The section's name; only for headings of a known kind. */
export function headingName(heading: Heading): SectionName | AppSectionName {
  return foldCase(heading.word) as SectionName | AppSectionName;
}

/** Lower case, one letter for one letter, as Go does it: JavaScript makes two of the Turkish capital İ. */
export function foldCase(text: string): string {
  return text.replaceAll("İ", "i").toLowerCase();
}

// No section can be called `\…`, so Apptainer refuses every file with a line whose first word starts with `%\`. That makes
// the two characters free to say what can't be said otherwise: below a heading, what follows them is text.

const mark = "%\\";
export const markLength = mark.length;

/** Where the mark is that makes the line at the offset text, or undefined. Only for lines of a section. */
export function markAt(text: string, offset: number): number | undefined {
  const at = skipBlanks(text, offset);
  return text.startsWith(mark, at) ? at : undefined;
}

const marks = new RegExp(`(^|\\n)([${blankClass}]*)%\\\\`, "g");

/** The lines of a section without the marks. */
export function withoutMarks(body: string): string {
  return body.includes(mark) ? body.replaceAll(marks, "$1$2") : body;
}

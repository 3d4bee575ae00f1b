import type { Section } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Location } from "../model/location.ts";
import type { CopyLine } from "../model/plan.ts";
import { displayText } from "./display-text.ts";
import { textLines, type TextLine } from "./text-lines.ts";
import { trim } from "./white-space.ts";

export interface CopyLines {
  readonly lines: readonly CopyLine[];
  readonly diagnostics: readonly Diagnostic[];
}

// Go's `\s`, which the words of a line are cut by.
const space = "\\t\\n\\f\\r ";

/**
 * A word of a `%files` line: one with a placeholder in it, or a run without white space and quotes, or what stands in
 * double quotes. A single quote opens a word and is part of it; that it has no end is Apptainer's mistake, which we keep.
 */
const plainWord = `[^${space}"']+|"[^"]*"|'[^']*`;
const templateWord = `[^${space}"']*\\{\\{[${space}]*[0-9A-Za-z_]+[${space}]*\\}\\}[^${space}"']*`;
const word = new RegExp(plainWord, "g");
const wordWithTemplates = new RegExp(`${templateWord}|${plainWord}`, "g");

/** A line of a `%files` section, cut into its words. */
interface CutLine extends TextLine {
  /** As they are written. */
  readonly words: readonly string[];
  /** Undefined when the line has no word that is one. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
}

/** The lines of a `%files` section that are neither blank nor comments, with what `splitCopyLines` says of their words. */
export function* cutCopyLines(section: Section): Generator<CutLine> {
  for (const line of textLines(section)) {
    const words = line.text.match(line.text.includes("{{") ? wordWithTemplates : word) ?? [];
    const [source, destination] = words.map((part) =>
      trim(part, section.encoding).replaceAll(/^"+|"+$/g, ""),
    );
    yield { ...line, words, source, destination };
  }
}

/**
 * The copies that the lines of a `%files` section ask for. The first word of a line is the source, the second the
 * destination, which is the source again when there is none; further words don't count, so that a comment may follow.
 * Double quotes at the ends of a word are taken off, and nothing is expanded.
 */
export function splitCopyLines(section: Section): CopyLines {
  const lines: CopyLine[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { text, start, end, words, source, destination } of cutCopyLines(section)) {
    const location = section.placeOf(start, end);
    if (source === undefined) {
      diagnostics.push({
        severity: "error",
        code: "definition/files-words",
        message: "a quote that is not closed is no file to copy",
        location,
        hint: quoteHint,
      });
      continue;
    }
    if (source === "") {
      const message = "a file without a name is not copied";
      diagnostics.push(warning(message, location, quoteHint));
      continue;
    }
    const odd = oddQuotes(text, words) ?? oddDestination(destination);
    if (odd !== undefined) diagnostics.push(warning(odd.message, location, odd.hint));
    lines.push({ source, destination: destination || source, location });
  }
  return { lines, diagnostics };
}

/**
 * The copies of an `%appfiles` section: up to a `#`, the source stands before the first blank and the destination in the
 * app's folder after it. There are no quotes; without a destination it is the source again.
 */
export function splitAppCopyLines(section: Section): CopyLines {
  const lines: CopyLine[] = [];
  for (const { text, start, end } of textLines(section)) {
    const cut = trim(text.split("#", 1)[0] ?? "", section.encoding);
    const blank = cut.indexOf(" ");
    const source = blank === -1 ? cut : cut.slice(0, blank);
    const destination = blank === -1 ? "" : trim(cut.slice(blank), section.encoding);
    lines.push({
      source,
      destination: destination === "" ? source : destination,
      location: section.placeOf(start, end),
    });
  }
  return { lines, diagnostics: [] };
}

const quoteHint = 'put names with blanks between double quotes: "my file.txt" /opt/';

const warning = (message: string, location: Location, hint: string): Diagnostic => ({
  severity: "warning",
  code: "definition/files-words",
  message,
  location,
  hint,
});

const oddity = (message: string) => ({ message, hint: quoteHint });

/** In what way the line's quotes or backslashes don't do what they look like. */
function oddQuotes(text: string, words: readonly string[]) {
  if (!/["'\\]/.test(text)) return undefined;
  const [source = "", destination = ""] = words;
  if (source.startsWith("'") || destination.startsWith("'")) {
    return oddity(`single quotes don't hold words together in ${displayText(text)}`);
  }
  if (source.endsWith("\\") && /\\[\t ]/.test(text)) {
    return oddity(`the backslash does not join the words of ${displayText(text)}`);
  }
  const end = text.indexOf(source) + source.length;
  if (/["']/.test(text[end] ?? "") || /^"[^"]*"\S/.test(text)) {
    return oddity(`a quote in the middle cuts ${displayText(text)} into words`);
  }
  return undefined;
}

/** A comment behind a lone source is taken for the destination; behind two words it is none of our business. */
function oddDestination(destination: string | undefined) {
  if (destination?.startsWith("#") !== true) return undefined;
  return {
    message: `the destination is ${displayText(destination)}: a comment can only stand behind source and destination`,
    hint: "write the destination too, or put the comment on a line of its own",
  };
}

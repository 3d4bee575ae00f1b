import type { AppSectionName, SectionName } from "../model/definition.ts";
import { splitPair } from "./build-arguments.ts";
import { openHeredoc } from "./heredoc.ts";
import { trim } from "./white-space.ts";

export interface FormattedBody {
  readonly lines: readonly string[];
  /** Whether the section takes a blank line at its end without changing what it says. */
  readonly mayEndBlank: boolean;
}

const lists: ReadonlySet<string> = new Set([
  "files",
  "labels",
  "arguments",
  "applabels",
  "appfiles",
]);

/**
 * The lines of a section in one style. Lists are indented by four. Scripts stay as they are, but for blank lines at their
 * end, and help texts stay as they are altogether.
 * @param body the lines as scripts get them, each ended with a line feed; empty for a section without lines
 * @param goesOn whether another section of the name follows, which is joined to this one: then its end is in the middle
 */
export function formatBody(
  name: SectionName | AppSectionName,
  body: string,
  goesOn: boolean,
): FormattedBody {
  // A heading without lines counts for nothing, and with a blank line it would count for something.
  if (body === "") return { lines: [], mayEndBlank: false };
  const lines = body.slice(0, -1).split("\n");
  const isList = lists.has(name);
  // Of two carriage returns before a line feed one is dropped in reading, so both have to be written.
  const kept = lines.map((line) => (line.endsWith("\r") ? `${line}\r` : line));
  const isText = name === "help" || name === "apphelp";
  if (isText || (goesOn && !isList)) return { lines: kept, mayEndBlank: false };
  // One blank line is all that a section of blank lines has to say, and it has to stay.
  if (isList ? trim(body) === "" : kept.every(isBlank)) return { lines: [""], mayEndBlank: false };
  if (isList) return { lines: formatList(name, lines), mayEndBlank: true };
  const last = kept.findLastIndex((line) => !isBlank(line));
  if (openHeredoc(body) !== undefined || kept[last]?.endsWith("\\") === true) {
    return { lines: kept, mayEndBlank: false };
  }
  return { lines: kept.slice(0, last + 1), mayEndBlank: true };
}

/** Whether a line is blank to a shell, which takes a no-break space for a command. */
const isBlank = (line: string): boolean => /^[ \t]*$/.test(line);

function formatList(name: string, lines: readonly string[]): string[] {
  const formatted: string[] = [];
  for (const line of lines) {
    const text = trim(line);
    if (text !== "") formatted.push(`    ${name === "arguments" ? formatPair(text) : text}`);
    else if (formatted.length > 0 && formatted.at(-1) !== "") formatted.push("");
  }
  while (formatted.at(-1) === "") formatted.pop();
  return formatted;
}

/** `name=value` without blanks around the `=`. */
function formatPair(line: string): string {
  const pair = line.startsWith("#") ? undefined : splitPair(line);
  return pair === undefined ? line : `${pair.name}=${pair.value}`;
}

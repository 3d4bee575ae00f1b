// White space as Go's standard library sees it, which is what Apptainer trims and splits by. JavaScript's `\s` and
// `trim` differ: they know U+FEFF and not U+0085.

import type { TextEncoding } from "../model/definition.ts";
import { enterText, leaveText } from "./text-encoding.ts";

/** The inside of a character class: all white space but the line feed. */
export const blankClass =
  "\\t\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const blank = new RegExp(`[\\n${blankClass}]`);
const separators = new RegExp(`[\\n${blankClass}]+`);

/**
 * The offset of the first character at or after `from` that is no white space, or is the line feed that ends the line.
 * It never looks beyond the line: many blank lines must not be gone through again from each of them.
 */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "\n" && isBlank(text, at)) at++;
  return at;
}

/** The end of the text between the offsets without the white space at its end. */
export function trimmedEnd(text: string, from: number, end: number): number {
  let at = end;
  while (at > from && isBlank(text, at - 1)) at--;
  return at;
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return blank.test(text[at] ?? "");
}

/**
 * The text without the white space at both ends.
 * @param encoding of a text that has left (`leaveText`)
 */
export function trim(text: string, encoding: TextEncoding = "utf8"): string {
  if (encoding === "latin1") return leaveText(trim(enterText(text, encoding)), encoding);
  const end = trimmedEnd(text, 0, text.length);
  let start = 0;
  while (start < end && isBlank(text, start)) start++;
  return text.slice(start, end);
}

/**
 * The words between white space.
 * @param encoding of a text that has left (`leaveText`)
 */
export function fields(text: string, encoding: TextEncoding = "utf8"): string[] {
  const words = trim(enterText(text, encoding)).split(separators);
  return words.filter((word) => word !== "").map((word) => leaveText(word, encoding));
}

/** Whether there is white space in the text. */
export function hasWhiteSpace(text: string): boolean {
  return blank.test(text);
}

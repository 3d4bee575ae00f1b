// White space as Go's standard library sees it, which is what Apptainer trims and splits by. JavaScript's `\s` and
// `trim` differ: they know U+FEFF and not U+0085.

/** The inside of a character class: all white space but the line feed. */
export const blankClass =
  "\\t\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const leading = new RegExp(`[${blankClass}]*`, "y");
const blank = new RegExp(`[\\n${blankClass}]`);
const separators = new RegExp(`[\\n${blankClass}]+`);

/**
 * The offset of the first character at or after `from` that is no white space, or is the line feed that ends the line.
 * It never looks beyond the line: many blank lines must not be gone through again from each of them.
 */
export function skipBlanks(text: string, from: number): number {
  leading.lastIndex = from;
  leading.test(text);
  return leading.lastIndex;
}

/** The end of the text between the offsets without the white space at its end. */
export function trimmedEnd(text: string, from: number, end: number): number {
  let at = end;
  while (at > from && blank.test(text[at - 1] ?? "")) at--;
  return at;
}

/** The text without the white space at both ends. */
export function trim(text: string): string {
  const end = trimmedEnd(text, 0, text.length);
  let start = 0;
  while (start < end && blank.test(text[start] ?? "")) start++;
  return text.slice(start, end);
}

/** The words between white space. */
export function fields(text: string): string[] {
  const trimmed = trim(text);
  return trimmed === "" ? [] : trimmed.split(separators);
}

/** Whether there is white space in the text. */
export function hasWhiteSpace(text: string): boolean {
  return blank.test(text);
}

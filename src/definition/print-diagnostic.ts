import type { Diagnostic } from "../model/diagnostic.ts";

const tabWidth = 8;
/** Columns of a source line that are shown; of a longer one, those around the place. */
const shownColumns = 100;

/**
 * A diagnostic for people: where and what, the lines of the source around it with the place underlined, what to do, and
 * where to read more. Several lines, without a line feed at the end. Control characters of the source are made visible.
 *
 * ```
 * hello.def:7:1: error: unknown section %instal
 *     6 |
 *     7 | %instal
 *       | ^^^^^^^
 *     8 |     dnf -y install gcc
 * hint: did you mean %appinstall APP?
 * code: definition/unknown-section (docs/errors/definition/unknown-section.md)
 * ```
 *
 * @param source the text of the file that the location is in; undefined when it is not at hand, or when the location is
 *   an option of the command line
 */
export function printDiagnostic(diagnostic: Diagnostic, source: string | undefined): string {
  const { severity, code, message, location, hint } = diagnostic;
  const isOption = location.file.startsWith("--");
  const place = isOption ? location.file : `${location.file}:${location.line}:${location.column}`;
  return [
    `${place}: ${severity}: ${message}`,
    ...(source === undefined || isOption ? [] : codeFrame(diagnostic, source)),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    `code: ${code} (docs/errors/${code}.md)`,
  ].join("\n");
}

/** The line of the place with its number and underlined, between the line above and the line below. */
function codeFrame({ location }: Diagnostic, source: string): string[] {
  const { line, column, length } = location;
  const around = linesAround(source, line);
  const text = around.get(line);
  if (text === undefined) return [];
  const width = Math.max(4, String(line + 1).length);
  const gutter = (label: string | number, shown: string) =>
    `${String(label).padStart(width + 1)} | ${shown}`.trimEnd();
  const cells = toCells(text);
  const start = Math.min(column - 1, cells.length);
  const end = Math.min(start + Math.max(length, 1), Math.max(cells.length, start + 1));
  const view = viewOf(cells, start);
  const rows: string[] = [];
  for (const number of [line - 1, line, line + 1]) {
    const row = around.get(number);
    if (row === undefined) continue;
    rows.push(gutter(number, number === line ? view.text : viewOf(toCells(row), 0).text));
    if (number !== line) continue;
    const before = widthOf(cells.slice(view.first, start)) + view.indent;
    const marked = Math.max(1, widthOf(cells.slice(start, Math.min(end, view.last))));
    rows.push(gutter("", " ".repeat(before) + "^".repeat(marked)));
  }
  return rows;
}

/** The lines next to one, found without cutting up the whole text. */
function linesAround(source: string, line: number): Map<number, string> {
  const found = new Map<number, string>();
  let start = 0;
  for (let number = 1; number <= line + 1; number++) {
    const feed = source.indexOf("\n", start);
    const end = feed === -1 ? source.length : feed;
    const isAfterLast = start === source.length && number > 1 && number > line;
    if (number >= line - 1 && !isAfterLast) {
      found.set(number, source.slice(start, end).replace(/\r$/, ""));
    }
    if (feed === -1) break;
    start = feed + 1;
  }
  return found;
}

/** What a character of the source looks like on a terminal. */
interface Cell {
  readonly shown: string;
  readonly width: number;
}

function toCells(text: string): Cell[] {
  let column = 0;
  return Array.from(text, (character) => {
    const cell = toCell(character, column);
    column += cell.width;
    return cell;
  });
}

const noWidth = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
// East Asian wide characters and emoji (Unicode annex 11), by their blocks.
const doubleWidth =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

function toCell(character: string, column: number): Cell {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\t") {
    const width = tabWidth - (column % tabWidth);
    return { shown: " ".repeat(width), width };
  }
  // The control pictures of Unicode stand for the characters that a terminal would obey.
  if (code < 0x20) return { shown: String.fromCodePoint(0x2400 + code), width: 1 };
  if (code === 0x7f) return { shown: "\u2421", width: 1 };
  const isHidden =
    (code >= 0x80 && code < 0xa0) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069) ||
    code === 0xfeff;
  if (isHidden) return { shown: "\ufffd", width: 1 };
  if (noWidth.test(character)) return { shown: character, width: 0 };
  return { shown: character, width: doubleWidth.test(character) ? 2 : 1 };
}

const widthOf = (cells: readonly Cell[]) => cells.reduce((sum, { width }) => sum + width, 0);

interface View {
  readonly text: string;
  /** The first cell that is shown, and the one after the last. */
  readonly first: number;
  readonly last: number;
  /** Columns before the first cell. */
  readonly indent: number;
}

/** As much of a line as is shown, such that the cell at `focus` is among it. */
function viewOf(cells: readonly Cell[], focus: number): View {
  if (cells.length <= shownColumns) {
    const text = cells.map(({ shown }) => shown).join("");
    return { text, first: 0, last: cells.length, indent: 0 };
  }
  const first = Math.max(0, Math.min(focus - 20, cells.length - shownColumns));
  const last = Math.min(cells.length, first + shownColumns);
  const text = cells.slice(first, last).map(({ shown }) => shown);
  const before = first > 0 ? "…" : "";
  const after = last < cells.length ? "…" : "";
  return { text: before + text.join("") + after, first, last, indent: before.length };
}

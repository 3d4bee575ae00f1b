import { fitText, textWidth } from "./text-width.ts";

/** How a piece of a line looks; nothing is said by colour alone. */
export type Style = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** One line of a terminal, from pieces without control characters. */
export type StyledLine = readonly Span[];

// Select Graphic Rendition, ECMA-48.
const codes: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/** The line with its escape codes, or without any. */
export function paintLine(line: StyledLine, hasColors: boolean): string {
  return line
    .map(({ text, style }) => {
      if (style === undefined || !hasColors || text === "") return text;
      const [on, off] = codes[style];
      return `\u001b[${on}m${text}\u001b[${off}m`;
    })
    .join("");
}

/** Columns that the line takes. */
export const lineWidth = (line: StyledLine): number =>
  line.reduce((sum, { text }) => sum + textWidth(text), 0);

/** The line cut to the columns, ending in the ellipsis where something is left out. */
export function fitLine(line: StyledLine, columns: number, ellipsis: string): StyledLine {
  if (lineWidth(line) <= columns) return line;
  const fitted: Span[] = [];
  let room = columns;
  for (const span of line) {
    const width = textWidth(span.text);
    // The ellipsis needs room too, when this piece ends exactly at the edge and more follows.
    if (width + textWidth(ellipsis) <= room) {
      fitted.push(span);
      room -= width;
      continue;
    }
    fitted.push({ ...span, text: fitText(`${span.text}${ellipsis}`, room, ellipsis) });
    break;
  }
  return fitted;
}

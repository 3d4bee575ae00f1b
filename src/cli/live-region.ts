// The lines at the bottom of a terminal that change in place:
//
//   ✔ [1/3] Bootstrapping …        kept lines: written once, they scroll away like any output
//   ⠙ [2/3] Running %post  3.1s    ┐
//     │ checking for gcc... yes    ├ the region: drawn again and again
//     layer 3a2f  ████░░░░  51%    ┘ ← the cursor rests here, behind the last line
//
// Only these sequences of ECMA-48 are used: cursor up (CUU), erase to the end of the line (EL) and of the screen (ED),
// and DEC's show and hide cursor. Every terminal of the last thirty years has them, tmux and screen too.

import { fitLine, lineWidth, paintLine, type StyledLine } from "./styled-line.ts";
import type { Output } from "./terminal.ts";

export interface ScreenOutput extends Output {
  readonly rows?: number;
}

export interface Look {
  readonly hasColors: boolean;
  /** Whether characters beyond ASCII can be shown. */
  readonly hasUnicode: boolean;
}

/** What a terminal is taken for when it doesn't say. */
const usualColumns = 80;
const usualRows = 24;

/** Draws the region. Nothing else may write to the terminal between the first drawing and `end`. */
export class LiveRegion {
  readonly #output: ScreenOutput;
  readonly #look: Look;
  /** Columns of each line as it was drawn. */
  #widths: readonly number[] = [];
  #drawnColumns: number | undefined;
  #isCursorHidden = false;

  constructor(output: ScreenOutput, look: Look) {
    this.#output = output;
    this.#look = look;
  }

  get columns(): number {
    // Some pseudo-terminals (of CI systems, of `script`) say 0.
    return this.#output.columns || usualColumns;
  }

  /** Rows that the region may have: with more, its top would scroll away and could not be reached. */
  get rows(): number {
    return Math.max(1, (this.#output.rows || usualRows) - 1);
  }

  /** Writes lines that stay, above the region, and draws the region anew below them. */
  draw(kept: readonly StyledLine[], live: readonly StyledLine[]): void {
    if (kept.length + live.length + this.#widths.length === 0) return;
    const { hasColors, hasUnicode } = this.#look;
    // One column stays free: a full line would leave the cursor in a state that terminals disagree about.
    const columns = this.columns - 1;
    const ellipsis = hasUnicode ? "…" : "...";
    const lines = live.slice(0, this.rows).map((line) => fitLine(line, columns, ellipsis));
    let text = this.#toTop();
    // After a change of width the old rows are gone as a whole: terminals remember which of them were one line.
    if (this.#drawnColumns !== this.columns) text += "\u001b[J";
    this.#drawnColumns = this.columns;
    if (!this.#isCursorHidden) text += "\u001b[?25l";
    this.#isCursorHidden = true;
    for (const line of kept) text += `${paintLine(line, hasColors)}\u001b[K\n`;
    text += lines.map((line) => `${paintLine(line, hasColors)}\u001b[K`).join("\n");
    text += "\u001b[J";
    this.#widths = lines.map(lineWidth);
    this.#output.write(text);
  }

  /** Takes the region away and gives the cursor back. Harmless when there is none. */
  end(): void {
    if (!this.#isCursorHidden) return;
    this.#output.write(`${this.#toTop()}\u001b[J\u001b[?25h`);
    this.#widths = [];
    this.#isCursorHidden = false;
  }

  /** To the first column of the region's first row. A terminal that became narrower has wrapped our lines since. */
  #toTop(): string {
    const rows = this.#widths.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / this.columns)),
      0,
    );
    return rows > 1 ? `\r\u001b[${rows - 1}A` : "\r";
  }
}

/**
 * A terminal in memory: enough of ECMA-48 to see what a program's escape sequences leave on the screen. It wraps long
 * lines as xterm does (a full row stays until one more character comes) and scrolls.
 */
export class TinyTerminal {
  readonly isTTY = true;
  columns: number;
  rows: number;
  isCursorVisible = true;
  /** All that was written, as it was. */
  raw = "";
  #screen: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Every row from the first that was ever written, without blanks at their ends. */
  get lines(): string[] {
    const lines = this.#screen.map((row) =>
      Array.from(row, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  get cursor(): readonly [row: number, column: number] {
    return [this.#row, this.#column];
  }

  write(data: string | Uint8Array): boolean {
    const text = typeof data === "string" ? data : Buffer.from(data).toString("utf8");
    this.raw += text;
    // eslint-disable-next-line no-control-regex
    for (const [token] of text.matchAll(/\u001b\[[?0-9;]*[A-Za-z]|[\s\S]/gu)) this.#take(token);
    return true;
  }

  /** Makes the terminal narrower or wider; rows are wrapped anew, as most terminals do. */
  resize(columns: number): void {
    const rows: string[][] = [];
    for (const [index, row] of this.#screen.entries()) {
      const isLast = index === this.#row;
      for (let at = 0; at === 0 || at < row.length; at += columns)
        rows.push(row.slice(at, at + columns));
      if (isLast) this.#row = rows.length - 1;
    }
    this.#column = Math.min(this.#column % columns || 0, columns - 1);
    this.#screen = rows;
    this.columns = columns;
  }

  #take(token: string): void {
    if (token === "\r") this.#column = 0;
    else if (token === "\n") {
      // The kernel's terminal driver makes CR LF of it.
      this.#column = 0;
      this.#down();
    } else if (token.startsWith("\u001b[")) this.#control(token.slice(2, -1), token.slice(-1));
    else if (token < " ") throw new Error(`unexpected control character ${JSON.stringify(token)}`);
    else this.#put(token);
  }

  #put(character: string): void {
    if (this.#column >= this.columns) {
      this.#column = 0;
      this.#down();
    }
    this.#rowAt(this.#row)[this.#column] = character;
    this.#column++;
  }

  #control(parameters: string, letter: string): void {
    const row = this.#rowAt(this.#row);
    if (letter === "A") {
      // The cursor stops at the top of what is visible.
      const top = Math.max(0, this.#screen.length - this.rows);
      this.#row = Math.max(top, this.#row - Number(parameters || 1));
    } else if (letter === "K" && parameters === "") row.length = Math.min(row.length, this.#column);
    else if (letter === "J" && parameters === "") {
      row.length = Math.min(row.length, this.#column);
      this.#screen.length = this.#row + 1;
    } else if (letter === "m") return;
    else if (parameters === "?25") this.isCursorVisible = letter === "h";
    else throw new Error(`unexpected sequence ESC [ ${parameters} ${letter}`);
  }

  #down(): void {
    this.#row++;
    this.#rowAt(this.#row);
  }

  #rowAt(index: number): string[] {
    while (this.#screen.length <= index) this.#screen.push([]);
    return this.#screen[index] ?? [];
  }
}

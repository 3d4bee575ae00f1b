import type { Location } from "../model/location.ts";

/** The lines of a text: the way from offsets to lines and columns, and back. */
export class SourceLines {
  readonly text: string;
  readonly #starts: number[] = [0];

  constructor(text: string) {
    this.text = text;
    for (let feed = text.indexOf("\n"); feed !== -1; feed = text.indexOf("\n", feed + 1)) {
      this.#starts.push(feed + 1);
    }
  }

  get count(): number {
    return this.#starts.length;
  }

  /** The line, counting from 1, that the offset is in. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** Where the line, counting from 1, starts; behind the last one the end of the text. */
  start(line: number): number {
    return this.#starts[line - 1] ?? this.text.length;
  }

  /** The line without the line feed and the CR before it. */
  line(line: number): string {
    const next = this.#starts[line];
    const end = next === undefined ? this.text.length : next - 1;
    return this.text.slice(this.start(line), this.text[end - 1] === "\r" ? end - 1 : end);
  }

  /** The offsets of a place in a text that is like `Definition.source`: for bytes that are no UTF-8, one character each. */
  span({ line, column, length }: Location): { start: number; end: number } {
    const text = this.line(line);
    const start = unitsOf(text, 0, column - 1);
    const from = this.start(line);
    return { start: from + start, end: from + unitsOf(text, start, length) };
  }
}

/** Where the text has `count` characters behind the offset; at most its end. */
function unitsOf(text: string, offset: number, count: number): number {
  let at = offset;
  for (let left = count; left > 0 && at < text.length; left--) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return at;
}

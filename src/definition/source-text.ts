import type { TextEncoding } from "../model/definition.ts";
import type { Location } from "../model/location.ts";
import { characterCount } from "./character-count.ts";
import { SourceLines } from "./source-lines.ts";
import { leaveText } from "./text-encoding.ts";

/** A definition file's text, with the way from offsets to lines and columns. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly encoding: TextEncoding;
  readonly #lines: SourceLines;

  constructor(file: string, text: string, encoding: TextEncoding) {
    this.file = file;
    this.text = text;
    this.encoding = encoding;
    this.#lines = new SourceLines(text);
  }

  /** The line, counting from 1, that the offset is in. */
  lineAt(offset: number): number {
    return this.#lines.lineAt(offset);
  }

  /** The place between two offsets, as far as it lies on the line where it starts. */
  location(start: number, end: number): Location {
    const line = this.lineAt(start);
    const lineStart = this.#lines.start(line);
    const lineEnd = lineStart + this.#lines.line(line).length;
    const onLine = this.text.slice(start, Math.max(start, Math.min(end, lineEnd)));
    return {
      file: this.file,
      line,
      column: this.#characters(this.text.slice(lineStart, start)) + 1,
      length: this.#characters(onLine),
    };
  }

  #characters(text: string): number {
    return characterCount(leaveText(text, this.encoding));
  }
}

/** A stretch of a text that was put in the place of another. */
export interface Replacement {
  /** Where it is in the new text. */
  readonly start: number;
  readonly end: number;
  /** What it took the place of in the old text. */
  readonly oldStart: number;
  readonly oldEnd: number;
}

/** The text of one stage, before or after build arguments were filled in, and where each part of it stands in the file. */
export class StageText {
  readonly text: string;
  readonly source: SourceText;
  readonly #start: number;
  readonly #replacements: readonly Replacement[];

  /** @param start where the stage starts in the file's text */
  constructor(
    source: SourceText,
    start: number,
    text: string,
    replacements: readonly Replacement[] = [],
  ) {
    this.source = source;
    this.#start = start;
    this.text = text;
    this.#replacements = replacements;
  }

  /** The same stage with another text. */
  replaced(text: string, replacements: readonly Replacement[]): StageText {
    return new StageText(this.source, this.#start, text, replacements);
  }

  /** Where in the file the text between the offsets comes from. What was filled in comes from its placeholder. */
  location(start: number, end: number): Location {
    const from = this.#fileOffset(start, "start");
    return this.source.location(from, end > start ? this.#fileOffset(end - 1, "end") : from);
  }

  /** The line of the file that the character at the offset comes from. */
  lineAt(offset: number): number {
    return this.source.lineAt(this.#fileOffset(offset, "start"));
  }

  /** The offset in the file of a character's start or end. */
  #fileOffset(offset: number, edge: "start" | "end"): number {
    let low = -1;
    let high = this.#replacements.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#replacements[middle]?.start ?? 0) <= offset) low = middle;
      else high = middle;
    }
    const last = this.#replacements[low];
    const within = edge === "start" ? 0 : 1;
    if (last === undefined) return this.#start + offset + within;
    if (offset < last.end) return this.#start + (edge === "start" ? last.oldStart : last.oldEnd);
    return this.#start + last.oldEnd + (offset - last.end) + within;
  }
}

import type { AppSectionName, Section, SectionName, TextEncoding } from "../model/definition.ts";
import type { Location } from "../model/location.ts";
import { markAt, markLength } from "./heading.ts";
import type { Span } from "./read-stage.ts";
import { SourceLines } from "./source-lines.ts";
import type { StageText } from "./source-text.ts";
import { enterText, leaveText } from "./text-encoding.ts";
import { lineEnd } from "./tokens.ts";

/** A section of the model, which knows where each of its lines stands in the text of the stage. */
export class JoinedSection implements Section {
  readonly name: SectionName | AppSectionName;
  readonly app: string | undefined;
  readonly argument: string;
  readonly body: string;
  readonly location: Location;
  readonly encoding: TextEncoding;
  readonly #text: StageText;
  readonly #pieces: readonly Span[];
  // What follows is made when it is asked for: most sections are all right, and need no places.
  #lines: readonly number[] | undefined;
  #lineStarts: readonly number[] | undefined;
  #bodyLines: SourceLines | undefined;

  /**
   * @param section its texts as they stand in the text of the stage, but without marks
   * @param pieces where the parts of the body are in the text of the stage
   */
  constructor(
    section: Pick<Section, "name" | "app" | "argument" | "body" | "location">,
    text: StageText,
    pieces: readonly Span[],
  ) {
    const { encoding } = text.source;
    this.name = section.name;
    this.app = section.app === undefined ? undefined : leaveText(section.app, encoding);
    this.argument = leaveText(section.argument, encoding);
    this.body = leaveText(section.body, encoding);
    this.location = section.location;
    this.encoding = encoding;
    this.#text = text;
    this.#pieces = pieces;
  }

  get lines(): readonly number[] {
    this.#lines ??= this.#starts.map((start) => this.#text.lineAt(start));
    return this.#lines;
  }

  /** Where each line of the body starts in the text of the stage. */
  get #starts(): readonly number[] {
    this.#lineStarts ??= this.#pieces.flatMap((piece) => lineStarts(this.#text.text, piece));
    return this.#lineStarts;
  }

  placeOf(start: number, end: number): Location {
    this.#bodyLines ??= new SourceLines(this.body);
    const line = this.#bodyLines.lineAt(start);
    const lineEnd = this.#bodyLines.start(line) + this.#bodyLines.line(line).length;
    return this.#text.location(
      this.#textOffset(line, start),
      this.#textOffset(line, Math.max(start, Math.min(end, lineEnd))),
    );
  }

  /** Where in the text of the stage that stands which is at the offset, on the line, of the body. */
  #textOffset(line: number, offset: number): number {
    const before = this.body.slice(this.#bodyLines?.start(line), offset);
    const lineStart = this.#starts[line - 1] ?? 0;
    const unmarked = lineStart + enterText(before, this.encoding).length;
    const mark = markAt(this.#text.text, lineStart);
    return mark !== undefined && mark <= unmarked ? unmarked + markLength : unmarked;
  }
}

function lineStarts(text: string, { start, end }: Span): number[] {
  const starts: number[] = [];
  for (let at = start; at < end; at = lineEnd(text, at) + 1) starts.push(at);
  return starts;
}

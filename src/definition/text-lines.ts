import type { Section } from "../model/definition.ts";
import { trim } from "./white-space.ts";

/** A line of a section without the white space around it, and where that stands in the body. */
export interface TextLine {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The lines of a section that are neither blank nor comments. */
export function* textLines({ body, encoding }: Section): Generator<TextLine> {
  let lineStart = 0;
  for (const raw of body.split("\n")) {
    const text = trim(raw, encoding);
    if (text !== "" && !text.startsWith("#")) {
      const start = lineStart + raw.indexOf(text);
      yield { text, start, end: start + text.length };
    }
    lineStart += raw.length + 1;
  }
}

import type { Section } from "../../model/definition.ts";
import type { Location } from "../../model/location.ts";

/** Where a line of a section's body stands. @param index counts from 0 @param text the line */
export function sectionLine({ lines, location }: Section, index: number, text: string): Location {
  const start = text.length - text.trimStart().length;
  return {
    file: location.file,
    line: lines[index] ?? location.line,
    column: start + 1,
    length: Array.from(text.trim()).length,
  };
}

import type { Diagnostic, Fix } from "../../model/diagnostic.ts";
import type { SourceLines } from "../source-lines.ts";

/** What a fix sees: the place of a finding in the file as it is written. */
export interface Place {
  readonly lines: SourceLines;
  /** The line of the place, counting from 1. */
  readonly line: number;
  /** Offsets into the text. */
  readonly start: number;
  readonly end: number;
  /** What stands there. */
  readonly text: string;
}

/** What a finding may be mended with. */
export interface FixContext {
  readonly agents: readonly string[];
  /** The names of the stages. */
  readonly stages: readonly string[];
}

/** Makes the fix for one kind of finding; undefined where it is not certain what is meant. */
export type Fixer = (place: Place, context: FixContext) => Fix | undefined;

/**
 * The place of a finding, or undefined where a build argument stands on its line: what was found is then in the filled-in
 * text, and the place only leads to it.
 */
export function placeOf({ location }: Diagnostic, lines: SourceLines): Place | undefined {
  if (location.line > lines.count || lines.line(location.line).includes("{{")) return undefined;
  const { start, end } = lines.span(location);
  return { lines, line: location.line, start, end, text: lines.text.slice(start, end) };
}

/** A fix that writes something in the place of one stretch. */
export function replacing(title: string, start: number, end: number, text: string): Fix {
  return { title, edits: [{ start, end, text }] };
}

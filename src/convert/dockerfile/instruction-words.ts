// The words of an instruction, and what is wrong about them.

import type { Diagnostic } from "../../model/diagnostic.ts";
import type { Flag } from "./dockerfile.ts";
import type { LogicalLine } from "./docker-lines.ts";
import { readWord, type Word } from "./docker-word.ts";

/** A mistake in one instruction. It never leaves the reader. */
export class Problem extends Error {
  readonly diagnostic: Diagnostic;

  constructor(line: LogicalLine, start: number, end: number, message: string, hint: string) {
    super(message);
    const location = line.location(start, end);
    this.diagnostic = { severity: "error", code: "convert/syntax", message, location, hint };
  }
}

/** The text behind the instruction's word, and where it starts in the line. */
export interface Rest {
  readonly line: LogicalLine;
  readonly escape: string;
  readonly keyword: string;
  readonly text: string;
  readonly at: number;
}

export const reference = "the Dockerfile reference";

export const problem = ({ line, at, text }: Rest, message: string, hint: string) =>
  new Problem(line, at, at + text.length, message, hint);

export function toWord({ line, escape }: Rest, text: string, at: number): Word {
  const read = readWord(text, escape);
  if (read.word !== undefined) return read.word;
  throw new Problem(line, at + read.at, at + text.length, read.problem, "close it on this line");
}

const flag = /--([a-z][a-z0-9-]*)(?:=((?:[^\s"']|"[^"]*"|'[^']*')*))?(?:\s+|$)/y;

export function readFlags(rest: Rest): { readonly flags: readonly Flag[]; readonly rest: Rest } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    flag.lastIndex = at;
    const match = flag.exec(rest.text);
    if (match === null) break;
    const end = rest.at + at + match[0].trimEnd().length;
    flags.push({
      name: match[1] ?? "",
      value: match[2]?.replaceAll(/^["']|["']$/g, ""),
      location: rest.line.location(rest.at + at, end),
    });
    at = flag.lastIndex;
  }
  const text = rest.text.slice(at);
  if (text === "") throw problem(rest, `${rest.keyword} has only options`, `see ${reference}`);
  return { flags, rest: { ...rest, text, at: rest.at + at } };
}

function* tokens(text: string, at: number) {
  for (const match of text.matchAll(/\S+/g)) yield { text: match[0], at: at + match.index };
}

export const wordsOf = (rest: Rest) => [...tokens(rest.text, rest.at)];

export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((word) => typeof word === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

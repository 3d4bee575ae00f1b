import type { Marks } from "./marks.ts";

/** What surrounds an argument's mark in a shell's line. */
export type Surroundings = "code" | "double" | "single";

export interface ScannedLine {
  /** The line with what is quoted or escaped made `x`, and without its comment. */
  readonly code: string;
  /** The line without its comment. */
  readonly text: string;
  /** The marks in the text, each with what it stands in. */
  readonly marks: readonly {
    readonly name: string;
    readonly at: number;
    readonly end: number;
    readonly inside: Surroundings;
  }[];
  /** A backslash at the end joins the next line. */
  readonly goesOn: boolean;
}

type Level = "(" | "`" | '"' | "{";

/**
 * Looks at one line of a shell script as far as one can without being a shell. Undefined where quotes, parentheses or
 * braces are open at its end.
 */
export function scanLine(line: string, marks: Marks): ScannedLine | undefined {
  const levels: Level[] = [];
  const found: ScannedLine["marks"][number][] = [];
  let code = "";
  let at = 0;
  const take = (count: number, isCode: boolean) => {
    code += isCode ? line.slice(at, at + count) : "x".repeat(count);
    at += count;
  };
  while (at < line.length) {
    const character = line.charAt(at);
    const level = levels.at(-1);
    const isCode = level === undefined || level === "(" || level === "`";
    if (marks.isStart(character)) {
      const { name, end } = marks.at(line, at);
      // In braces it may stand for a name of a variable, which another variable can't.
      if (level === "{") return undefined;
      found.push({ name, at, end, inside: level === '"' ? "double" : "code" });
      take(end - at, false);
    } else if (character === "\\") {
      if (at + 1 === line.length) {
        if (levels.length > 0) return undefined;
        return { code: `${code}\\`, text: line, marks: found, goesOn: true };
      }
      // It is the first character of the value that it takes the meaning from.
      if (marks.isStart(line.charAt(at + 1))) return undefined;
      take(2, false);
    } else if (character === "'" && level !== '"') {
      const end = line.indexOf("'", at + 1);
      // Between braces in double quotes it is a plain character.
      if (end === -1 || level === "{") return undefined;
      for (let inner = at; inner < end; inner++) {
        if (!marks.isStart(line.charAt(inner))) continue;
        found.push({ ...marks.at(line, inner), at: inner, inside: "single" });
      }
      take(end + 1 - at, false);
    } else if (character === '"') {
      if (level === '"') levels.pop();
      else levels.push('"');
      take(1, false);
    } else if (character === "`") {
      if (level === "`") levels.pop();
      else if (levels.includes("`")) return undefined;
      else levels.push("`");
      take(1, false);
    } else if (line.startsWith("${", at)) {
      levels.push("{");
      take(2, false);
    } else if (character === "}" && level === "{") {
      levels.pop();
      take(1, false);
    } else if (line.startsWith("$(", at)) {
      levels.push("(");
      take(2, false);
    } else if (isCode && character === "(") {
      levels.push("(");
      take(1, levels.length === 1);
    } else if (isCode && character === ")") {
      if (levels.pop() !== "(") return undefined;
      take(1, levels.length === 0);
    } else if (isCode && character === "#" && /^[\s;&|()]?$/.test(line.charAt(at - 1))) {
      if (levels.length > 0) return undefined;
      return { code, text: line.slice(0, at), marks: found, goesOn: false };
    } else take(1, isCode);
  }
  if (levels.length > 0) return undefined;
  return { code, text: line, marks: found, goesOn: false };
}

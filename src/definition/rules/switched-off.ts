// `# tsbuild: disable=NAME,NAME` switches rules and warnings off: behind something on a line for that line, on a line of
// its own for the next line that is no comment (and when that is a section heading, for the section), and above the first
// stage for the whole file.

import type { Definition } from "../../model/definition.ts";
import { splitStages } from "../split-stages.ts";

const comment = /#\s*tsbuild:\s*disable=([a-z0-9-]+(?:\s*,\s*[a-z0-9-]+)*)/;

/** Tells whether the file switches the warning of the name off at the line. */
export function switchedOff(
  definition: Pick<Definition, "source">,
): (name: string, line: number) => boolean {
  if (!definition.source.includes("tsbuild:")) return () => false;
  const everywhere = new Set<string>();
  const byLine = new Map<number, Set<string>>();
  const add = (line: number, names: readonly string[]) => {
    const known = byLine.get(line) ?? new Set();
    for (const name of names) known.add(name);
    byLine.set(line, known);
  };
  const lines = definition.source.split("\n");
  const before = splitStages(definition.source)[0]?.end ?? 0;
  const isFirstChunkHead = !/^bootstrap:/i.test(definition.source);
  let offset = 0;
  for (const [index, line] of lines.entries()) {
    const match = comment.exec(line);
    if (match !== null) {
      const names = (match[1] ?? "").split(",").map((name) => name.trim());
      const isAlone = line.trimStart().startsWith("#");
      if (!isAlone) add(index + 1, names);
      else if (isFirstChunkHead && offset < before) for (const name of names) everywhere.add(name);
      else for (const target of linesOf(lines, index + 1)) add(target, names);
    }
    offset += line.length + 1;
  }
  return (name, line) => everywhere.has(name) || byLine.get(line)?.has(name) === true;
}

/** The numbers of the lines that a comment above the line at the index speaks of. */
function linesOf(lines: readonly string[], index: number): number[] {
  let at = index;
  while (at < lines.length && /^\s*(?:#|$)/.test(lines[at] ?? "")) at++;
  if (!(lines[at] ?? "").startsWith("%")) return [at + 1];
  const numbers = [at + 1];
  for (at++; at < lines.length && !/^(?:\s*%|bootstrap:)/i.test(lines[at] ?? ""); at++) {
    numbers.push(at + 1);
  }
  return numbers;
}

// Which token leads where, as Chevrotain finds it out of the grammar.

import {
  Alternation,
  getLookaheadPaths,
  NonTerminal,
  Option,
  Repetition,
  type LookaheadProductionType,
  type Rule,
} from "chevrotain";
import { decisionName } from "../src/definition/lookahead.ts";
import { StageParser } from "../src/definition/parser.ts";

/** As wide as the formatter leaves lines. */
const width = 101;

type Part = Rule["definition"][number];

/** The source of `src/definition/lookahead-table.ts`. */
export function lookaheadTable(): string {
  const decisions = Object.values(new StageParser(true).getGAstProductions()).flatMap((rule) =>
    partsOf(rule).map(([kind, occurrence]) => {
      const paths = getLookaheadPaths({ rule, prodType: kind, occurrence, maxLookahead: 1 });
      // Of a part that may be left out, the second is what comes after it.
      const counted = kind === "Alternation" ? paths : paths.slice(0, 1);
      const names = counted.map((path) => path.map(([token]) => token?.name ?? ""));
      return [decisionName(rule.name, kind, occurrence), names] as const;
    }),
  );
  const lines = decisions.map(([name, alternatives]) => {
    const lists = alternatives.map(
      (tokens) => `[${tokens.map((token) => `"${token}"`).join(", ")}]`,
    );
    const line = `  "${name}": [${lists.join(", ")}],\n`;
    if (line.length <= width) return line;
    return `  "${name}": [\n${lists.map((list) => `    ${list},\n`).join("")}  ],\n`;
  });
  return [
    "// Written by `grammar/generate.ts` from the grammar in `parser.ts`; a test holds the two together.",
    "",
    '/** The choices of each rule: the tokens that each alternative may start with, `""` where it may be empty. */',
    "export const decisions: Readonly<Record<string, readonly (readonly string[])[]>> = {",
    `${lines.join("")}};`,
    "",
  ].join("\n");
}

function partsOf({ definition }: { readonly definition: readonly Part[] }) {
  const found: (readonly [kind: LookaheadProductionType, occurrence: number])[] = [];
  for (const part of definition) {
    if (part instanceof Alternation) found.push(["Alternation", part.idx]);
    else if (part instanceof Option) found.push(["Option", part.idx]);
    else if (part instanceof Repetition) found.push(["Repetition", part.idx]);
    // The parts of another rule are its own.
    if (!(part instanceof NonTerminal) && "definition" in part)
      found.push(...partsOf(part as { definition: Part[] }));
  }
  return found;
}

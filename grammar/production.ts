// The grammar as the parser knows it, in the few kinds of parts that notations need.

import type { ISerializedGast } from "chevrotain";
import { StageParser } from "../src/definition/parser.ts";

export type Part =
  | { readonly kind: "rule" | "token"; readonly name: string }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Part[] }
  /** `repeated` may be missing, `several` is there at least once. */
  | { readonly kind: "optional" | "repeated" | "several"; readonly part: Part };

export interface Production {
  readonly name: string;
  readonly part: Part;
}

/** Tokens that the parser takes only to say what is wrong about them. */
const mistakes: ReadonlySet<string> = new Set([
  "BrokenContinuation",
  "BareColon",
  "LoneKey",
  "UnknownHeading",
]);

/** The rules of the parser, in its order, with the one for a whole file before them. */
export function productions(): Production[] {
  const rules = new StageParser(true).getSerializedGastProductions();
  const whole: Production = {
    name: "definition",
    part: { kind: "several", part: { kind: "rule", name: "stage" } },
  };
  return [whole, ...rules.map((rule) => ({ name: nameOf(rule), part: partOf(children(rule)) }))];
}

/** The names of the tokens that the rules use. */
export function tokenNames(all: readonly Production[]): string[] {
  const names = new Set<string>();
  const visit = (part: Part): void => {
    if (part.kind === "token") names.add(part.name);
    else if ("parts" in part) part.parts.forEach(visit);
    else if ("part" in part) visit(part.part);
  };
  for (const { part } of all) visit(part);
  return [...names];
}

const nameOf = (node: ISerializedGast) => String((node as { name?: string }).name);

const children = (node: ISerializedGast): readonly ISerializedGast[] => node.definition ?? [];

function partOf(nodes: readonly ISerializedGast[]): Part {
  const parts = nodes
    .map(onePart)
    .flatMap((part) => (part.kind === "sequence" ? part.parts : [part]));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: "sequence", parts };
}

function onePart(node: ISerializedGast): Part {
  switch (node.type) {
    case "NonTerminal":
      return { kind: "rule", name: nameOf(node) };
    case "Terminal":
      return { kind: "token", name: nameOf(node) };
    case "Option":
      return { kind: "optional", part: partOf(children(node)) };
    case "Repetition":
      return { kind: "repeated", part: partOf(children(node)) };
    case "Alternation": {
      const parts = children(node)
        .map((alternative) => partOf(children(alternative)))
        .filter((part) => !(part.kind === "token" && mistakes.has(part.name)));
      const [only] = parts;
      return parts.length === 1 && only !== undefined ? only : { kind: "choice", parts };
    }
    case "Rule":
    case "Alternative":
    case "RepetitionMandatory":
    case "RepetitionMandatoryWithSeparator":
    case "RepetitionWithSeparator":
      break;
  }
  throw new Error(`the grammar has a part of the new kind ${node.type}`);
}

import { productions, tokenNames, type Part } from "./production.ts";
import { terminals } from "./terminals.ts";

/** The grammar in the notation of the XML specification (W3C EBNF). */
export function ebnf(): string {
  const all = productions();
  const width = Math.max(...all.map(({ name }) => name.length));
  const rules = all.map(({ name, part }) => `${name.padEnd(width)} ::= ${written(part)}`);
  const words = tokenNames(all).map((name) => {
    const meaning = terminals[name];
    if (meaning === undefined) throw new Error(`the token ${name} needs words in terminals.ts`);
    return `${name}\n    /* ${meaning} */`;
  });
  return [
    "/* Apptainer definition files as tsbuild reads them. Written by grammar/generate.ts from the parser. */",
    "/* A file is cut into stages before every line that starts with bootstrap: in any case; then each is read. */",
    "",
    ...rules,
    "",
    "/* The tokens: */",
    "",
    ...words,
    "",
  ].join("\n");
}

function written(part: Part, isInner = false): string {
  switch (part.kind) {
    case "rule":
    case "token":
      return part.name;
    case "optional":
      return `${written(part.part, true)}?`;
    case "repeated":
      return `${written(part.part, true)}*`;
    case "several":
      return `${written(part.part, true)}+`;
    case "sequence": {
      const text = part.parts.map((inner) => written(inner, true)).join(" ");
      return isInner ? `( ${text} )` : text;
    }
    case "choice": {
      const text = part.parts.map((inner) => written(inner)).join(" | ");
      return isInner ? `( ${text} )` : text;
    }
  }
  return part satisfies never;
}

// Which way the parser goes at the next token, from a table made beforehand. Chevrotain finds it out of the grammar at
// every start of the program, for as long as it takes to read a short file. One token decides everywhere.

import type { ILookaheadStrategy, IToken } from "chevrotain";
import { decisions } from "./lookahead-table.ts";
import { allTokens } from "./tokens.ts";

/** Where a rule has to decide: the kind of choice and its number in the rule, as in `Option2`. */
export function decisionName(rule: string, kind: string, occurrence: number): string {
  return `${rule} ${kind}${occurrence}`;
}

const indexes = new Map(allTokens.map(({ name, tokenTypeIdx }) => [name, tokenTypeIdx]));

/** The alternatives' first tokens as one table: the token's number to the number of the alternative. */
function chosenBy(name: string): ReadonlyMap<number | undefined, number> {
  const alternatives = decisions[name];
  if (alternatives === undefined) throw new Error(`lookahead-table.ts has no ${name}`);
  const pairs = alternatives.flatMap((tokens, alternative) =>
    tokens.map((token) => [indexes.get(token), alternative] as const),
  );
  // Where two fit, the first is taken.
  return new Map(pairs.toReversed());
}

/** The parser, which Chevrotain calls these functions of. */
interface Tokens {
  /** The token that comes next. */
  LA(number: 1): IToken;
}

/** What Chevrotain asks when it makes the parser. */
export const tableLookahead: ILookaheadStrategy = {
  // A test does it.
  validate: () => [],

  buildLookaheadForAlternation({ rule, prodOccurrence }) {
    const name = decisionName(rule.name, "Alternation", prodOccurrence);
    const chosen = chosenBy(name);
    // An alternative that may be empty fits whatever comes.
    const otherwise = decisions[name]?.findIndex((tokens) => tokens.includes("")) ?? -1;
    const fallback = otherwise === -1 ? undefined : otherwise;
    return function (this: Tokens) {
      return chosen.get(this.LA(1).tokenTypeIdx) ?? fallback;
    };
  },

  buildLookaheadForOptional({ rule, prodType, prodOccurrence }) {
    const chosen = chosenBy(decisionName(rule.name, prodType, prodOccurrence));
    return function (this: Tokens) {
      return chosen.get(this.LA(1).tokenTypeIdx) === 0;
    };
  },
};

// The lexer: Chevrotain's rules for its token types, and nothing else. Chevrotain's own looks at every pattern before it
// starts, at each start of the program, and that takes longer than reading most files. A test holds the two together.

import type { IToken, TokenType } from "chevrotain";
import { Lexer } from "chevrotain";
import { modes } from "./tokens.ts";

/** A kind of token, ready to be looked for. */
interface Word {
  readonly type: TokenType;
  readonly isSkipped: boolean;
  readonly push: string | undefined;
  readonly pop: boolean;
  /** What starts at the offset; null if that is another word. */
  match(text: string, offset: number, tokens: IToken[]): Match | null;
}

interface Match {
  readonly image: string;
  readonly payload: unknown;
}

const words: Readonly<Record<string, readonly Word[]>> = Object.fromEntries(
  Object.entries(modes).map(([mode, types]) => [mode, types.map(wordOf)]),
);

/** The tokens of a stage. Of the words that a mode knows the first that fits is taken. Every text has tokens. */
export function tokenize(text: string): IToken[] {
  const tokens: IToken[] = [];
  const stack = ["header"];
  let offset = 0;
  while (offset < text.length) {
    const known = words[stack.at(-1) ?? ""] ?? [];
    const { word, match } = firstMatch(known, text, offset, tokens);
    if (!word.isSkipped) tokens.push(tokenOf(word, match, offset));
    offset += match.image.length;
    if (word.pop) stack.pop();
    if (word.push !== undefined) stack.push(word.push);
  }
  return tokens;
}

function firstMatch(known: readonly Word[], text: string, offset: number, tokens: IToken[]) {
  for (const word of known) {
    const match = word.match(text, offset, tokens);
    if (match !== null) return { word, match };
  }
  throw new Error(`no word fits ${JSON.stringify(text.slice(offset, offset + 40))}`);
}

function tokenOf({ type }: Word, { image, payload }: Match, startOffset: number): IToken {
  const token = { image, startOffset, tokenTypeIdx: type.tokenTypeIdx ?? 0, tokenType: type };
  return payload === undefined ? token : { ...token, payload };
}

function wordOf(type: TokenType): Word {
  return {
    type,
    isSkipped: type.GROUP === Lexer.SKIPPED,
    push: type.PUSH_MODE,
    pop: type.POP_MODE === true,
    match: matcherOf(type),
  };
}

function matcherOf({ name, PATTERN: pattern }: TokenType): Word["match"] {
  if (typeof pattern === "string") {
    const match: Match = { image: pattern, payload: undefined };
    return (text, offset) => (text.startsWith(pattern, offset) ? match : null);
  }
  if (pattern instanceof RegExp) {
    const sticky = new RegExp(pattern, "y");
    return (text, offset) => {
      sticky.lastIndex = offset;
      return sticky.test(text)
        ? { image: text.slice(offset, sticky.lastIndex), payload: undefined }
        : null;
    };
  }
  if (typeof pattern !== "function") throw new Error(`the token ${name} has no pattern`);
  return (text, offset, tokens) => {
    const found = pattern(text, offset, tokens, {});
    if (found === null) return null;
    return { image: found[0], payload: "payload" in found ? found.payload : undefined };
  };
}

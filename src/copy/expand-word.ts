// What a source of `%files` means, in the rules of a POSIX-like shell: braces, a leading tilde, variables, backslashes,
// and the wildcards that glob.ts then looks for. Apptainer has a shell interpret the word, commands in it included. Here
// no command is ever run, and what a variable holds is taken as it is.

import type { ByteString } from "../model/bytes-path.ts";
import { ExpandError } from "./expand-error.ts";

/** One character of a word. Quoted ones mean themselves. */
export interface WordCharacter {
  readonly character: string;
  readonly isQuoted: boolean;
}

/** A word without braces and variables: what is left are wildcards. */
export type Pattern = readonly WordCharacter[];

interface Variable {
  readonly variable: string;
  /** After `:-` or `-`. */
  readonly fallback: string | undefined;
  /** Whether the fallback is also for a variable that is set to nothing. */
  readonly coversEmpty: boolean;
}

type Token = WordCharacter | Variable;

/** Enough for every honest list, and few enough to survive `{1..999999999}`. */
const maxWords = 10_000;

const isPlain = (token: Token | undefined, character: string): boolean =>
  token !== undefined && "character" in token && !token.isQuoted && token.character === character;

/**
 * The patterns that a word stands for, in order; none for one that comes to nothing.
 * @param variable the value of a variable, as bytes
 * @throws {ExpandError}
 */
export function expandWord(
  word: ByteString,
  variable: (name: string) => ByteString | undefined,
): Pattern[] {
  return expandBraces(tokenize(word))
    .map((tokens) => expandValues(tokens, variable))
    .filter((pattern) => pattern.length > 0);
}

/** The text of a pattern that found nothing: that is what it stands for then. */
export const patternText = (pattern: Pattern): ByteString =>
  pattern.map(({ character }) => character).join("");

function tokenize(word: ByteString): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < word.length;) {
    const character = word.charAt(at);
    if (character === "`" || word.startsWith("$(", at)) {
      throw new ExpandError(
        "it asks to run a command, which is never done",
        "run the command in %setup, and copy a file that it makes; or escape the character with \\",
      );
    }
    if (character === "\\" && at + 1 < word.length) {
      tokens.push({ character: word.charAt(at + 1), isQuoted: true });
      at += 2;
    } else if (character === "'" || character === '"') {
      const end = word.indexOf(character, at + 1);
      if (end < 0) {
        throw new ExpandError(
          `the quote ${character} has no end`,
          "names with blanks go between double quotes, source and destination each on its own",
        );
      }
      for (const quoted of word.slice(at + 1, end))
        tokens.push({ character: quoted, isQuoted: true });
      at = end + 1;
    } else if (character === "$") {
      const [token, length] = readVariable(word.slice(at));
      tokens.push(token);
      at += length;
    } else {
      tokens.push({ character, isQuoted: false });
      at++;
    }
  }
  return tokens;
}

function readVariable(text: ByteString): [Token, number] {
  const plain = /^\$([A-Za-z_]\w*)/.exec(text);
  if (plain !== null) {
    return [{ variable: plain[1] ?? "", fallback: undefined, coversEmpty: false }, plain[0].length];
  }
  if (!text.startsWith("${")) return [{ character: "$", isQuoted: true }, 1];
  const braced = /^\$\{([A-Za-z_]\w*)(?:(:?)-([^{}$`]*))?\}/.exec(text);
  if (braced === null) {
    throw new ExpandError(
      "of the forms with ${ only ${NAME} and ${NAME:-default} are known",
      "work the value out in %setup, or use a build argument: {{ name }}",
    );
  }
  const [whole, variable = "", colon, fallback] = braced;
  return [{ variable, fallback, coversEmpty: colon === ":" }, whole.length];
}

const quoted = (text: string): Pattern =>
  Array.from(text, (character) => ({ character, isQuoted: true }));

function expandValues(
  tokens: readonly Token[],
  variable: (name: string) => ByteString | undefined,
): Pattern {
  return tokens.flatMap((token, index) => {
    if ("variable" in token) {
      const value = variable(token.variable);
      const isMissing = value === undefined || (value === "" && token.coversEmpty);
      return quoted(isMissing ? (token.fallback ?? "") : value);
    }
    const next = tokens[index + 1];
    if (index === 0 && isPlain(token, "~") && (next === undefined || isPlain(next, "/"))) {
      return quoted(variable("HOME") ?? "~");
    }
    return [token];
  });
}

/** `a{b,c}d` is `abd acd`, `{1..3}` is `1 2 3`; braces nest. Those without a comma or a range are left alone. */
function expandBraces(tokens: readonly Token[]): (readonly Token[])[] {
  for (let open = 0; open < tokens.length; open++) {
    if (!isPlain(tokens[open], "{")) continue;
    const choice = readChoices(tokens, open);
    if (choice === undefined) continue;
    const before = tokens.slice(0, open);
    const after = expandBraces(tokens.slice(choice.end));
    const middle = choice.choices.flatMap((one) => expandBraces(one));
    if (middle.length * after.length > maxWords) {
      throw new ExpandError(
        `its braces stand for more than ${maxWords} names`,
        "copy the folder that they are in",
      );
    }
    return middle.flatMap((one) => after.map((rest) => [...before, ...one, ...rest]));
  }
  return [tokens];
}

/** What stands in the braces that open at an index, if they are a list or a range. */
function readChoices(
  tokens: readonly Token[],
  open: number,
): { readonly choices: readonly (readonly Token[])[]; readonly end: number } | undefined {
  const choices: Token[][] = [[]];
  let depth = 0;
  for (let at = open + 1; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (depth === 0 && isPlain(token, ",")) {
      choices.push([]);
      continue;
    }
    if (isPlain(token, "{")) depth++;
    if (isPlain(token, "}")) {
      if (depth === 0) {
        const range = choices.length === 1 ? readRange(choices[0] ?? []) : undefined;
        if (choices.length === 1 && range === undefined) return undefined;
        return { choices: range ?? choices, end: at + 1 };
      }
      depth--;
    }
    choices.at(-1)?.push(token);
  }
  return undefined;
}

function readRange(tokens: readonly Token[]): Token[][] | undefined {
  const text = tokens.map((token) => ("character" in token ? token.character : "$")).join("");
  const match = /^(?:(-?\d{1,15})\.\.(-?\d{1,15})|([A-Za-z])\.\.([A-Za-z]))$/.exec(text);
  if (match === null) return undefined;
  const [, from, to, fromLetter, toLetter] = match;
  const isNumber = from !== undefined && to !== undefined;
  const start = isNumber ? Number(from) : (fromLetter ?? "").charCodeAt(0);
  const end = isNumber ? Number(to) : (toLetter ?? "").charCodeAt(0);
  if (Math.abs(end - start) >= maxWords) {
    throw new ExpandError(`{${text}} stands for more than ${maxWords} names`);
  }
  const step = start <= end ? 1 : -1;
  // Zeros in front of a number give all of them the same width.
  const padded = isNumber && [from, to].some((number) => /^-?0\d/.test(number));
  const width = padded ? Math.max(from.length, to.length) : 0;
  return Array.from({ length: Math.abs(end - start) + 1 }, (_, index) => {
    const value = start + index * step;
    const digits = String(Math.abs(value)).padStart(value < 0 ? width - 1 : width, "0");
    const shown = isNumber ? `${value < 0 ? "-" : ""}${digits}` : String.fromCharCode(value);
    return Array.from(shown, (character) => ({ character, isQuoted: true }));
  });
}

// The pairs of ENV, LABEL and ARG.

import { displayText } from "../../definition/display-text.ts";
import type { NamedWord } from "./dockerfile.ts";
import { plainText, textWord } from "./docker-word.ts";
import { problem, Problem, toWord, type Rest } from "./instruction-words.ts";

/** Words in which quotes hold blanks together, as they are written. */
function quotedWords({ text, at, escape, line }: Rest) {
  const found: { readonly text: string; readonly at: number }[] = [];
  let start = -1;
  let quote = "";
  for (let index = 0; index <= text.length; index++) {
    const character = text.charAt(index);
    const isEnd = index === text.length || (quote === "" && /\s/.test(character));
    if (isEnd) {
      if (start !== -1) found.push({ text: text.slice(start, index), at: at + start });
      start = -1;
      continue;
    }
    if (start === -1) start = index;
    if (character === escape && quote !== "'") index++;
    else if (quote === character) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
  }
  if (start !== -1) found.push({ text: text.slice(start), at: at + start });
  if (quote !== "") {
    throw new Problem(line, at, at + text.length, `a ${quote} is not closed`, "close it");
  }
  return found;
}

/** `NAME=VALUE …`, or the old form `NAME VALUE`. */
export function readPairs(rest: Rest): NamedWord[] {
  const words = quotedWords(rest);
  const [first] = words;
  const pair = (name: string, value: string, at: number, end: number): NamedWord => ({
    name: toWord(rest, name, at),
    value: toWord(rest, value, end - value.length),
    location: rest.line.location(at, end),
  });
  if (first !== undefined && !first.text.includes("=")) {
    // The old form: one name, and all that follows is its value.
    const value = rest.text.slice(first.text.length).trim();
    if (value === "") {
      throw problem(
        rest,
        `${rest.keyword} takes a name and a value`,
        `write ${rest.keyword} NAME=VALUE`,
      );
    }
    return [pair(first.text, value, rest.at, rest.at + rest.text.length)].map(checkedName(rest));
  }
  return words
    .map(({ text, at }) => {
      const equals = text.indexOf("=");
      if (equals < 1) {
        const hint = `write ${rest.keyword} NAME=VALUE, with quotes around a value with blanks`;
        throw new Problem(
          rest.line,
          at,
          at + text.length,
          `${displayText(text)} has no name and value`,
          hint,
        );
      }
      return pair(text.slice(0, equals), text.slice(equals + 1), at, at + text.length);
    })
    .map(checkedName(rest));
}

/** Variables of the environment need names that shells know. */
function checkedName(rest: Rest): (pair: NamedWord) => NamedWord {
  return (pair) => {
    const name = plainText(pair.name);
    if (rest.keyword === "LABEL" || /^[A-Za-z_]\w*$/.test(name ?? "")) return pair;
    throw problem(rest, "no variable can have this name", "use letters, digits and _");
  };
}

/** `NAME` or `NAME=DEFAULT`, several of them. */
export function readArguments(rest: Rest): NamedWord[] {
  return quotedWords(rest)
    .map(({ text, at }) => {
      const equals = text.indexOf("=");
      const name = equals === -1 ? text : text.slice(0, equals);
      return {
        name: textWord(name),
        value: equals === -1 ? undefined : toWord(rest, text.slice(equals + 1), at + equals + 1),
        location: rest.line.location(at, at + text.length),
      };
    })
    .map(checkedName(rest));
}

import { bytesOf, type ByteString } from "../model/bytes-path.ts";
import { patternText, type Pattern, type WordCharacter } from "./expand-word.ts";

/** Where names are looked for: a folder of this machine, or a tree. */
export interface GlobPlace {
  /** The names in a folder; undefined where there is no such folder. The empty path is the starting place. */
  names(folder: ByteString): readonly ByteString[] | undefined;
  exists(path: ByteString): boolean;
}

/**
 * The paths that a pattern stands for, in the order of their bytes: the rules of a shell, with `*`, `?` and `[…]`, none of
 * which stand for a slash or for a dot at the start of a name. A pattern without wildcards, or that finds nothing, stands
 * for itself.
 */
export function glob(pattern: Pattern, place: GlobPlace): ByteString[] {
  const segments = splitAtSlashes(pattern);
  if (!segments.some(hasWildcard)) return [patternText(pattern)];
  let found: ByteString[] = [""];
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    const slash = isLast ? "" : "/";
    const matcher = hasWildcard(segment) ? compile(segment) : undefined;
    if (matcher === undefined) {
      found = found.map((base) => `${base}${patternText(segment)}${slash}`);
      // Whether it is there is known when names are next asked for, or in the end.
      continue;
    }
    found = found.flatMap((base) =>
      (place.names(base) ?? [])
        .filter(matcher)
        .toSorted()
        .map((name) => `${base}${name}${slash}`)
        .filter((path) => isLast || place.names(path) !== undefined),
    );
  }
  const present = found.filter((path) => place.exists(path));
  return present.length === 0 ? [patternText(pattern)] : present;
}

function splitAtSlashes(pattern: Pattern): Pattern[] {
  const segments: WordCharacter[][] = [[]];
  for (const one of pattern) {
    if (one.character === "/") segments.push([]);
    else segments.at(-1)?.push(one);
  }
  return segments;
}

const isSpecial = ({ character, isQuoted }: WordCharacter, which: string) =>
  !isQuoted && which.includes(character);

function hasWildcard(segment: Pattern): boolean {
  return segment.some(
    (one, index) =>
      isSpecial(one, "*?") || (isSpecial(one, "[") && readBrackets(segment, index) !== undefined),
  );
}

/** Whether a name is meant. A character of a name is one of UTF-8 where the name is that, else a byte. */
function compile(segment: Pattern): (name: ByteString) => boolean {
  let source = "";
  for (let at = 0; at < segment.length; at++) {
    const one = segment[at] as WordCharacter;
    const brackets = isSpecial(one, "[") ? readBrackets(segment, at) : undefined;
    if (brackets !== undefined) {
      source += brackets.source;
      at = brackets.end;
    } else if (isSpecial(one, "*")) source += ".*";
    else if (isSpecial(one, "?")) source += ".";
    else source += escape(one.character);
  }
  const [first] = segment;
  const allowsDot = first?.character === ".";
  const inText = regExp(textOf(source));
  const inBytes = regExp(source);
  return (name) => {
    if (name.startsWith(".") && !allowsDot) return false;
    const text = textOf(name);
    return text === name ? inBytes.test(name) : inText.test(text);
  };
}

/** A range that runs backwards (`[z-a]`) matches nothing. */
function regExp(source: string): RegExp {
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    return /[^\s\S]/;
  }
}

/** A byte string as text, if it is valid UTF-8; else as it is. */
function textOf(bytes: ByteString): string {
  const text = bytesOf(bytes).toString("utf8");
  return text.includes("\ufffd") ? bytes : text;
}

const escape = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/, String.raw`\$&`);

const classes: Readonly<Record<string, string>> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  blank: " \\t",
  digit: "0-9",
  lower: "a-z",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9A-Fa-f",
};

/** The `[…]` that opens at an index, as part of a regular expression; undefined where it has no end. */
function readBrackets(
  segment: Pattern,
  open: number,
): { readonly source: string; readonly end: number } | undefined {
  let at = open + 1;
  let source = "[";
  const first = segment[at];
  if (first !== undefined && isSpecial(first, "!^")) {
    source += "^";
    at++;
  }
  const start = at;
  for (; at < segment.length; at++) {
    const one = segment[at] as WordCharacter;
    if (isSpecial(one, "]") && at > start) return { source: `${source}]`, end: at };
    const rest = segment
      .slice(at, at + 12)
      .map(({ character }) => character)
      .join("");
    const named = isSpecial(one, "[") ? /^\[:([a-z]+):\]/.exec(rest) : null;
    const members = named === null ? undefined : classes[named[1] ?? ""];
    if (named !== null && members !== undefined) {
      source += members;
      at += named[0].length - 1;
    } else if (isSpecial(one, "-") && at > start && !isClosing(segment[at + 1])) source += "-";
    else source += one.character === "-" ? String.raw`\-` : escape(one.character);
  }
  return undefined;
}

const isClosing = (one: WordCharacter | undefined) => one === undefined || isSpecial(one, "]");

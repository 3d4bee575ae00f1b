import { displayText } from "../definition/display-text.ts";
import { suggest } from "../definition/suggest.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Command, Dockerfile, Flag, Instruction, NamedWord } from "./dockerfile.ts";
import { dockerLines, type LogicalLine } from "./docker-lines.ts";
import { plainText, readWord, textWord, type Word } from "./docker-word.ts";

export interface ReadDockerfile {
  /** Undefined when there is an error. */
  readonly dockerfile: Dockerfile | undefined;
  /** In the order of the file. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads a Dockerfile, as the reference of the format says and BuildKit does it. All mistakes are collected; no text makes
 * it throw, and time is linear in its length.
 */
export function readDockerfile(source: string, file: string): ReadDockerfile {
  const { escape, lines, problems } = dockerLines(file, source);
  const diagnostics: Diagnostic[] = problems.map((problem) => ({ severity: "error", ...problem }));
  const instructions: Instruction[] = [];
  for (const line of lines) {
    try {
      instructions.push(readInstruction(line, escape));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      diagnostics.push(error.diagnostic);
    }
  }
  const stray = instructions.find(({ kind }) => kind !== "arg");
  if (stray?.kind !== "from" && diagnostics.length === 0) {
    diagnostics.push({
      severity: "error",
      code: "convert/no-base",
      message:
        stray === undefined
          ? "there is no FROM in the file"
          : "only ARG can stand before the first FROM",
      location: stray?.location ?? { file, line: 1, column: 1, length: 0 },
      hint: "start with FROM IMAGE",
    });
  }
  diagnostics.sort((a, b) => a.location.line - b.location.line);
  return {
    dockerfile: diagnostics.length > 0 ? undefined : { file, instructions },
    diagnostics,
  };
}

/** A mistake in one instruction. It never leaves this file. */
class Problem extends Error {
  readonly diagnostic: Diagnostic;

  constructor(line: LogicalLine, start: number, end: number, message: string, hint: string) {
    super(message);
    const location = line.location(start, end);
    this.diagnostic = { severity: "error", code: "convert/syntax", message, location, hint };
  }
}

/** The text behind the instruction's word, and where it starts in the line. */
interface Rest {
  readonly line: LogicalLine;
  readonly escape: string;
  readonly keyword: string;
  readonly text: string;
  readonly at: number;
}

const keywords = [
  "from",
  "run",
  "cmd",
  "entrypoint",
  "shell",
  "copy",
  "add",
  "env",
  "label",
  "arg",
  "workdir",
  "user",
  "expose",
  "volume",
  "healthcheck",
  "stopsignal",
  "onbuild",
  "maintainer",
] as const;

function readInstruction(line: LogicalLine, escape: string): Instruction {
  const word = /^\S+/.exec(line.text)?.[0] ?? "";
  const keyword = keywords.find((name) => name === word.toLowerCase());
  const location = line.location(0, word.length);
  if (keyword === undefined) throw unknownInstruction(line, word);
  const behind = line.text.slice(word.length);
  const text = behind.trim();
  const at = line.text.length - behind.trimStart().length;
  const rest: Rest = { line, escape, keyword: keyword.toUpperCase(), text, at };
  if (text === "") {
    throw new Problem(line, 0, word.length, `${rest.keyword} says nothing`, `see ${reference}`);
  }
  switch (keyword) {
    case "from":
      return { kind: keyword, location, ...readFrom(rest) };
    case "run": {
      const { flags, rest: command } = readFlags(rest);
      return { kind: keyword, location, flags, command: readCommand(command) };
    }
    case "cmd":
    case "entrypoint":
      return { kind: keyword, location, command: readCommand(rest) };
    case "shell": {
      const words = jsonWords(text);
      if (words === undefined || words.length === 0) {
        throw problem(rest, "SHELL has to be a list", 'write SHELL ["/bin/bash", "-c"]');
      }
      return { kind: keyword, location, words };
    }
    case "copy":
    case "add":
      return { kind: keyword, location, ...readCopy(rest) };
    case "env":
    case "label":
      return { kind: keyword, location, pairs: readPairs(rest) };
    case "arg":
      return { kind: keyword, location, pairs: readArguments(rest) };
    case "workdir":
    case "user":
      return { kind: keyword, location, value: toWord(rest, text, at) };
    case "expose":
    case "volume":
    case "healthcheck":
    case "stopsignal":
    case "onbuild":
    case "maintainer":
      break;
  }
  return { kind: keyword, location, value: text };
}

const reference = "the Dockerfile reference";

function unknownInstruction(line: LogicalLine, word: string): Problem {
  const near = suggest(word, keywords);
  const problem = new Problem(
    line,
    0,
    word.length,
    `there is no instruction ${displayText(word)}`,
    near === undefined
      ? "if the line above should go on, end it with a backslash"
      : `did you mean ${near.toUpperCase()}?`,
  );
  Object.assign(problem.diagnostic, { code: "convert/unknown-instruction" });
  return problem;
}

const problem = ({ line, at, text }: Rest, message: string, hint: string) =>
  new Problem(line, at, at + text.length, message, hint);

function toWord({ line, escape }: Rest, text: string, at: number): Word {
  const read = readWord(text, escape);
  if (read.word !== undefined) return read.word;
  throw new Problem(line, at + read.at, at + text.length, read.problem, "close it on this line");
}

const flag = /--([a-z][a-z0-9-]*)(?:=((?:[^\s"']|"[^"]*"|'[^']*')*))?(?:\s+|$)/y;

function readFlags(rest: Rest): { readonly flags: readonly Flag[]; readonly rest: Rest } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    flag.lastIndex = at;
    const match = flag.exec(rest.text);
    if (match === null) break;
    const end = rest.at + at + match[0].trimEnd().length;
    flags.push({
      name: match[1] ?? "",
      value: match[2]?.replaceAll(/^["']|["']$/g, ""),
      location: rest.line.location(rest.at + at, end),
    });
    at = flag.lastIndex;
  }
  const text = rest.text.slice(at);
  if (text === "") throw problem(rest, `${rest.keyword} has only options`, `see ${reference}`);
  return { flags, rest: { ...rest, text, at: rest.at + at } };
}

function readFrom(whole: Rest) {
  const { flags, rest } = readFlags(whole);
  const [image, as, name, more] = wordsOf(rest);
  if (image === undefined || more !== undefined || (as !== undefined && name === undefined)) {
    throw problem(rest, "FROM takes an image, and a name behind AS", "write FROM IMAGE AS NAME");
  }
  if (as !== undefined && as.text.toLowerCase() !== "as") {
    throw problem(
      rest,
      "between the image and the stage's name stands AS",
      "write FROM IMAGE AS NAME",
    );
  }
  const lower = name?.text.toLowerCase();
  if (lower !== undefined && !/^[a-z][a-z0-9_.-]*$/.test(lower)) {
    const hint = "use letters, digits, _ . and -, and start with a letter";
    throw problem(rest, `${displayText(lower)} can't be the name of a stage`, hint);
  }
  return {
    image: toWord(rest, image.text, image.at),
    name: lower,
    platform: flags.find((candidate) => candidate.name === "platform"),
  };
}

function* tokens(text: string, at: number) {
  for (const match of text.matchAll(/\S+/g)) yield { text: match[0], at: at + match.index };
}

const wordsOf = (rest: Rest) => [...tokens(rest.text, rest.at)];

function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((word) => typeof word === "string");
    return isList ? value : undefined;
  } catch {
    return undefined;
  }
}

function readCommand({ line, text, at }: Rest): Command {
  const words = jsonWords(text);
  if (words !== undefined && line.heredocs.length === 0) return { form: "exec", words };
  const lines: string[] = [];
  for (const piece of line.pieces) {
    const from = Math.max(0, at - piece.at);
    if (from < piece.text.length) lines.push(piece.text.slice(from));
  }
  const isScript = line.heredocs.length === 1 && /^<<\S+$/.test(text);
  return { form: "shell", lines, heredocs: line.heredocs, isScript };
}

function readCopy(whole: Rest) {
  const { flags, rest } = readFlags(whole);
  const json = jsonWords(rest.text);
  const words = json?.map((text) => ({ text, at: rest.at })) ?? wordsOf(rest);
  const last = words.pop();
  if (last === undefined || words.length === 0) {
    const hint = `write ${rest.keyword} SOURCE DESTINATION`;
    throw problem(rest, `${rest.keyword} takes a source and a destination`, hint);
  }
  const heredocs = [...rest.line.heredocs];
  return {
    flags,
    sources: words.map(({ text, at }) => toWord(rest, text, at)),
    destination: toWord(rest, last.text, last.at),
    heredocs: words.map(({ text }) => (/^<<./.test(text) ? heredocs.shift() : undefined)),
  };
}

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

function readPairs(rest: Rest): NamedWord[] {
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

function readArguments(rest: Rest): NamedWord[] {
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

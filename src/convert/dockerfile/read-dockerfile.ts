import { displayText } from "../../definition/display-text.ts";
import { suggest } from "../../definition/suggest.ts";
import type { Diagnostic } from "../../model/diagnostic.ts";
import type { Command, Dockerfile, Instruction } from "./dockerfile.ts";
import { dockerLines, type LogicalLine } from "./docker-lines.ts";
import {
  jsonWords,
  problem,
  Problem,
  readFlags,
  reference,
  toWord,
  wordsOf,
  type Rest,
} from "./instruction-words.ts";
import { readArguments, readPairs } from "./read-pairs.ts";

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
  const { escape, lines, frontend, problems } = dockerLines(file, source);
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
    dockerfile: diagnostics.length > 0 ? undefined : { file, frontend, instructions },
    diagnostics,
  };
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

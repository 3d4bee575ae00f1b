import type { Section, Stage } from "../../model/definition.ts";
import { scriptInterpreter } from "../script-interpreter.ts";
import { sectionsOf, type Rule } from "./rule.ts";
import { shellCommands, type ShellCommand } from "./shell-commands.ts";

/** Distributions whose /bin/sh is bash. */
const bashImages =
  /(?:^|\/)(?:rockylinux|rocky|almalinux|centos|fedora|oraclelinux|amazonlinux|ubi\d*(?:-\w+)?|opensuse|leap|tumbleweed|bci|archlinux|sles?)\b/;
const bashAgents = new Set(["yum", "dnf", "zypper", "arch"]);

/** What only bash and its kin understand: a pattern for words of a command, and what it is. */
const wordPatterns: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\w+\+?=\(/, "an array"],
  [/^[<>]\(/, "process substitution"],
  [/\$\{\w+(?:\^|,|\/|:\d|:\s?-\d|@)/, "an expansion of bash"],
  [/\$\{!\w+/, "an indirect expansion"],
  [/\$\{\w+\[/, "an array"],
  [/^\w+\+=/, "+="],
  [/^\$'/, "$'…' quoting"],
];

const programs: Readonly<Record<string, string>> = {
  "[[": "[[ … ]]",
  source: "source",
  function: "function",
  pushd: "pushd",
  popd: "popd",
  declare: "declare",
  typeset: "typeset",
  shopt: "shopt",
  mapfile: "mapfile",
  readarray: "readarray",
  let: "let",
  disown: "disown",
};

/** `/bin/sh` of Debian, Ubuntu and Alpine is no bash. */
export const bashSyntax: Rule = {
  name: "bash-syntax",
  summary: "Scripts that /bin/sh runs have no syntax of bash.",
  *check(stage) {
    if (hasBashAsSh(stage)) return;
    for (const section of sectionsOf(stage, "post", "runscript", "test", "startscript", "apprun")) {
      if (!isRunBySh(section)) continue;
      // One finding for a section: the remedy is the same for all.
      for (const command of shellCommands(section)) {
        const what = bashPart(command);
        if (what === undefined) continue;
        yield {
          location: command.location,
          message: `${what} is syntax of bash, but /bin/sh runs %${section.name}`,
          hint:
            section.name === "post"
              ? "write %post -c /bin/bash and let the script start with set -e"
              : "let the script start with the line #!/bin/bash",
        };
        break;
      }
    }
  },
};

function hasBashAsSh(stage: Stage): boolean {
  const value = (key: string) => stage.header.find((field) => field.key === key)?.value ?? "";
  return bashAgents.has(value("bootstrap")) || bashImages.test(value("from"));
}

function isRunBySh({ name, argument, body }: Section): boolean {
  if (name === "post") return scriptInterpreter(argument)?.kind === "options";
  return name === "apprun" || !/^\s*#!(?!\s*\/bin\/(?:sh|dash|ash)\b)/.test(body);
}

function bashPart({ words, raw }: ShellCommand): string | undefined {
  const [first = ""] = words;
  const program = Object.hasOwn(programs, first) ? programs[first] : undefined;
  if (program !== undefined) return program;
  if (words.includes("<<<")) return "<<<";
  if (words.includes("&>") || words.includes("&>>")) return "&>";
  if (first === "[" && words.includes("==")) return "== between [ and ]";
  if (first === "set" && words.includes("pipefail")) return "set -o pipefail";
  if (first.startsWith("((")) return "((…))";
  // A word in quotes may be anything; only what the shell itself reads counts.
  for (const word of raw) {
    const found = wordPatterns.find(([pattern]) => pattern.test(word.replaceAll(/'[^']*'/g, "''")));
    if (found !== undefined && !word.startsWith("'")) return found[1];
  }
  return undefined;
}

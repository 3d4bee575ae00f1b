import type { Section } from "../../model/definition.ts";
import { scriptInterpreter } from "../script-interpreter.ts";
import { sectionsOf, type Rule } from "./rule.ts";
import type { ShellCommand } from "./shell-command.ts";
import { shellCommands } from "./shell-commands.ts";
import { stageShell } from "./stage-shell.ts";

/** What only bash and its kin understand: a pattern for words of a command, and what it is. */
const wordPatterns: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/^\w+\+?=\(/, "an array"],
  [/^[<>]\(/, "process substitution"],
  // `${a:-1}` has a default value, `${a: -1}` the last character.
  [/\$\{\w+(?:\/|:\d|:\s+-\d)/, "an expansion of bash"],
  [/\$\{\w+(?:\^|,|@)/, "an expansion that changes letters"],
  [/\$\{!\w+/, "an indirect expansion"],
  [/\$\{\w+\[/, "an array"],
  [/^\w+\+=/, "+="],
  [/^\$'/, "$'…' quoting"],
];

/** What all of these have. */
const closer = /^(?:\w+\+?=|[<>])\(|\$\{|^\w+\+=|^\$'/;

/** What the shell of BusyBox understands too, as Alpine has it. */
const busyboxParts = new Set([
  "[[ … ]]",
  "source",
  "function",
  "let",
  "&>",
  "== between [ and ]",
  "set -o pipefail",
  "an expansion of bash",
  "$'…' quoting",
]);

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

const hints: Partial<Record<Section["name"], string>> = {
  post: "write %post -c /bin/bash and let the script start with set -e",
  // Its #! line is only a comment.
  apprun:
    "write it for sh, or put the lines into a script that starts with #!/bin/bash and exec that",
};

/** `/bin/sh` of Debian and Ubuntu is no bash, nor is that of Alpine. */
export const bashSyntax: Rule = {
  name: "bash-syntax",
  summary: "Scripts that /bin/sh runs have no syntax of bash.",
  *check(stage) {
    const shell = stageShell(stage);
    if (shell === "bash") return;
    for (const section of sectionsOf(stage, "post", "runscript", "test", "startscript", "apprun")) {
      if (!isRunBySh(section)) continue;
      // One finding for a section: the remedy is the same for all.
      for (const command of shellCommands(section)) {
        const what = bashPart(command);
        if (what === undefined || (shell === "busybox" && busyboxParts.has(what))) continue;
        yield {
          location: command.location,
          message: `${what} is syntax of bash, but /bin/sh runs %${section.name}`,
          hint: hints[section.name] ?? "let the script start with the line #!/bin/bash",
        };
        break;
      }
    }
  },
};

function isRunBySh(section: Section): boolean {
  if (section.name === "post") return scriptInterpreter(section)?.kind === "options";
  const hasOther = /^\s*#!(?!\s*\/bin\/(?:sh|dash|ash)\b)/.test(section.body);
  return section.name === "apprun" || !hasOther;
}

function bashPart(command: ShellCommand): string | undefined {
  const { words } = command;
  const [first = ""] = words;
  const program = Object.hasOwn(programs, first) ? programs[first] : undefined;
  if (program !== undefined) return program;
  if (words.includes("<<<")) return "<<<";
  if (words.includes("&>") || words.includes("&>>")) return "&>";
  if (first === "[" && words.includes("==")) return "== between [ and ]";
  if (first === "set" && words.includes("pipefail")) return "set -o pipefail";
  if (first.startsWith("((")) return "((…))";
  // A word in quotes may be anything; only what the shell itself reads counts. Most words need no closer look.
  for (let index = 0; index < words.length; index++) {
    if (!/[$(+]/.test(words[index] ?? "")) continue;
    const word = command.written(index);
    if (!closer.test(word)) continue;
    const bare = word.includes("'") ? word.replaceAll(/'[^']*'/g, "''") : word;
    const found = wordPatterns.find(([pattern]) => pattern.test(bare));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

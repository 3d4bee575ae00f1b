import type { Section } from "../../model/definition.ts";
import { sectionsOf, type Finding, type Rule } from "./rule.ts";
import { isRedirection } from "./shell-command.ts";
import { shellCommands } from "./shell-commands.ts";

/** What sets variables, or decides whether they are set. */
const allowed = new Set(
  "export unset if then elif else fi case esac for in do done while until test [ [[ ] : . source true false readonly eval alias umask ulimit local return break continue shift } command type which hash module ml function read declare typeset let shopt trap getopts".split(
    " ",
  ),
);

/** What sets variables once the file that defines it was read. */
const definedInFiles: Readonly<Record<string, RegExp>> = {
  conda: /^(?:de)?activate$/,
  mamba: /^(?:de)?activate$/,
  micromamba: /^(?:de)?activate$/,
  spack: /^(?:un)?load$|^env$/,
  setup: /./,
};

/** What says nothing when it works. */
const quiet = new Set("mkdir rmdir rm cp mv ln touch chmod chown sleep stty".split(" "));

/** The environment is read whenever the container starts, by every user, for every command. */
export const environmentCommand: Rule = {
  name: "environment-command",
  summary: "The environment sets variables and does nothing else.",
  *check(stage) {
    for (const section of sectionsOf(stage, "environment", "appenv")) {
      const functions = functionsOf(section);
      let hasReadFile = false;
      for (const command of shellCommands(section)) {
        const words = fromProgram(command.words);
        const [program] = words;
        if (program === undefined) continue;
        if (program === "." || program === "source" || program === "eval") hasReadFile = true;
        if (functions.has(program) || (hasReadFile && isDefinedInFile(words))) continue;
        const finding = findingOf(words);
        if (finding !== undefined) yield { location: command.location, ...finding };
      }
    }
  },
};

const once = "do it once in %post, or in %runscript if it has to be done each time";
const assignment = "write export NAME=VALUE, without blanks around the =";

function findingOf(words: readonly string[]): Omit<Finding, "location"> | undefined {
  const [program = "", second = ""] = words;
  if (words[1] === "=" || (program === "export" && words[2] === "=")) {
    const name = program === "export" ? second : program;
    return { message: `${name} is not set: there are blanks around the =`, hint: assignment };
  }
  if (allowed.has(program) || program.startsWith("((")) return undefined;
  if (/^(?:ENV|ARG|setenv)$/.test(program)) {
    const origin = program === "setenv" ? "csh" : "Dockerfiles";
    return {
      message: `${program} is a word of ${origin}, which sh does not know`,
      hint: assignment,
    };
  }
  if (program === "set") {
    const message = "set changes the shell that every command of the container is started from";
    return { message, hint: once };
  }
  if (program === "cd") {
    return { message: "cd changes the folder that every command starts in", hint: once };
  }
  if (program === "exec" || program === "exit") {
    const message = `with ${program} nothing that the user asked for is started`;
    return { message, hint: "take it away" };
  }
  if (/^(?:mamba|conda|micromamba)$/.test(program) && /^(?:de)?activate$/.test(second)) {
    return {
      message: `${program} ${second} works only where the functions of conda were read before`,
      hint: "set what it would set: export PATH=/opt/conda/envs/NAME/bin:$PATH",
    };
  }
  const target = outputOf(words);
  // What is wrong may well be told to the user.
  if (/^(?:echo|printf)$/.test(program) && target === "&2") return undefined;
  const isQuiet = target !== undefined || quiet.has(program);
  const noise = isQuiet ? "" : ", and what it prints gets into the output of programs";
  return { message: `${program} runs whenever the container starts${noise}`, hint: once };
}

/** The words of a command from its program on, and the redirections before it at their end. */
function fromProgram(words: readonly string[]): readonly string[] {
  const redirections: string[] = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? "";
    if (isRedirection(word)) redirections.push(word, words[++at] ?? "");
    else if (!/^[A-Za-z_]\w*\+?=/.test(word)) break;
  }
  return at < words.length ? [...words.slice(at), ...redirections] : [];
}

/** Where what a command prints goes: `&2`, a file, or undefined for the output of the container. */
function outputOf(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    if (!/^(?:>>?|>\||&>>?|>&)$/.test(word) || words[index - 1] === "2") continue;
    const target = words[index + 1] ?? "";
    return word === ">&" ? `&${target}` : target;
  }
  return undefined;
}

function isDefinedInFile([program = "", second = ""]: readonly string[]): boolean {
  return Object.hasOwn(definedInFiles, program) && definedInFiles[program]?.test(second) === true;
}

/** The names of the functions that a section defines. */
function functionsOf({ body }: Section): ReadonlySet<string> {
  const names = body.matchAll(
    /(?:^|[\s;{])(?:function[ \t]+([\w.:-]+)|([\w.:-]+)[ \t]*\([ \t]*\))/g,
  );
  return new Set([...names].map(([, word, called]) => word ?? called ?? ""));
}

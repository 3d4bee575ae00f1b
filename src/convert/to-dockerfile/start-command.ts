import type { Marks } from "./marks.ts";

/** What Docker starts without a script in between. */
export interface StartCommand {
  readonly entrypoint: readonly string[];
  /** The arguments when none are given; undefined for none. */
  readonly cmd: readonly string[] | undefined;
}

const oneWord = /'([^']*)'|"((?:[^"\\$`]|\\["\\$`])*)"|([\w+,./:@%=-]+)/y;

/** Commands of the shell itself: without `exec` no program is started. */
const builtins =
  /^(?:[.:[]|alias|bg|break|builtin|cd|command|continue|coproc|declare|echo|eval|exec|exit|export|false|fg|getopts|hash|history|jobs|kill|let|local|printf|pwd|read|readonly|return|select|set|shift|source|test|times?|trap|true|type|typeset|ulimit|umask|unalias|unset|wait|if|then|while|until|for|case|function|do|done|fi|esac|else|elif|!)$/;

/**
 * The command that a `%runscript` starts if it does nothing else: `exec PROGRAM WORDS "$@"`, also with defaults for the
 * arguments as `tsbuild convert` writes them, or one line of the shell. Undefined for scripts that do more, or have
 * build arguments in them.
 */
export function startCommand(
  body: string,
  options: string,
  marks: Marks,
): StartCommand | undefined {
  if (options.trim() !== "" || marks.in(body).length > 0) return undefined;
  const [first = ""] = body.split("\n", 1);
  const hasShebang = body.startsWith("#!");
  if (hasShebang && !/^#!\s*(?:\/usr)?\/bin\/(?:env )?(?:sh|bash|dash|ash)\s*$/.test(first)) {
    return undefined;
  }
  const lines = body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const [line = ""] = lines;
  if (lines.length === 1) {
    const command = commandOf(line);
    if (command !== undefined) return { entrypoint: command, cmd: undefined };
    const isSh = !hasShebang || /\/(?:sh|env sh)\s*$/.test(first);
    const isWhole = /^[^\\<]*$/.test(line);
    return isSh && isWhole
      ? { entrypoint: ["/bin/sh", "-c", line, "runscript"], cmd: undefined }
      : undefined;
  }
  const [test, set = "", end, exec = "", ...more] = lines;
  if (test !== "if [ $# -eq 0 ]; then" || end !== "fi" || more.length > 0) return undefined;
  const cmd = set.startsWith("set -- ") ? wordsOf(set.slice("set -- ".length)) : undefined;
  const command = commandOf(exec);
  return cmd === undefined || command === undefined ? undefined : { entrypoint: command, cmd };
}

/** The words of a line that hands its arguments on to a program. */
function commandOf(line: string): readonly string[] | undefined {
  const [, exec = "", command = ""] = /^(exec )?\s*(.*?)\s*"\$@"$/.exec(line) ?? [];
  if (line === 'exec "$@"') return [];
  const words = wordsOf(command);
  const program = words?.[0];
  if (program === undefined || program.startsWith("-")) return undefined;
  // An assignment, or something that the shell does itself.
  if (/^\w+=/.test(command)) return undefined;
  return exec === "" && builtins.test(program) ? undefined : words;
}

/** The words of a text that is nothing but words. */
function wordsOf(text: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    let word = "";
    const start = at;
    while (at < text.length && !/\s/.test(text.charAt(at))) {
      oneWord.lastIndex = at;
      const match = oneWord.exec(text);
      if (match === null) return undefined;
      const [, single, double, plain] = match;
      word += single ?? double?.replaceAll(/\\(.)/g, "$1") ?? plain ?? "";
      at = oneWord.lastIndex;
    }
    if (at > start) words.push(word);
    while (/\s/.test(text.charAt(at))) at++;
  }
  return words;
}

// How scripts of a definition get into a Dockerfile. Heredocs would be the obvious way, but builders before BuildKit and
// buildah 1.33 don't know them. So a script is one command, in the form in which Dockerfiles usually are written:
//
//   RUN umask 0002; set -ex; \
//       apt-get update; \
//       apt-get install -y gcc
//
// What can't be written so, because of a `case` or a heredoc say, is printed to a file first, line by line:
//
//   RUN printf '%s\n' \
//       'cat >/etc/motd <<END' \
//       'hello' \
//       'END' \
//       >/.tsbuild-script && \
//       umask 0002 && /bin/sh -ex /.tsbuild-script && \
//       rm /.tsbuild-script

import type { Marks } from "./marks.ts";
import { joinLines } from "./join-lines.ts";

export interface ScriptToRun {
  /** With marks. */
  readonly body: string;
  /** What the shell is started with: `-ex`. Empty for none. */
  readonly options: readonly string[];
  /** Text of a command line that takes the script's file instead of a shell, for `-c`. */
  readonly command?: string | undefined;
  /** Commands before the script's own. */
  readonly before?: readonly string[];
}

export interface RunContext {
  readonly marks: Marks;
  /** An argument's default value. */
  readonly valueOf: (name: string) => string | undefined;
  /** All arguments of the stage, which RUN sees as variables. */
  readonly names: readonly string[];
}

/** Options of a shell that `set` has as well. */
const setOptions = /^(?:[-+][abefhmnuvxBCEHPT]+(?: [-+]o \w+)*(?: |$))+$/;

const scriptFile = "/.tsbuild-script";

/** A RUN that does what the script does. No lines when it does nothing. */
export function runScript(script: ScriptToRun, context: RunContext): string[] {
  const { body, options, command, before = [] } = script;
  const { marks, valueOf } = context;
  if (/^(?:[ \t]*(?:#.*)?\n)*$/.test(body) && command === undefined) return [];
  const clashes = clashing(body, context);
  const isShell =
    command === undefined && (options.length === 0 || setOptions.test(options.join(" ")));
  const joined =
    isShell && clashes.length === 0 ? joinLines(outdented(body), marks, valueOf) : undefined;
  if (joined !== undefined) {
    const set = options.length > 0 ? [`set ${options.join(" ")}`] : [];
    const first = ["umask 0002", ...before, ...set].map((text) => `${text};`).join(" ");
    return continued(`RUN ${first}`, joined);
  }
  const file = [scriptFile];
  const start =
    command === undefined
      ? ["/bin/sh", ...options.map((word) => marks.word(word)), ...file].join(" ")
      : interpreted(marks.escaped(command));
  const unset = clashes.length > 0 ? [`unset ${clashes.join(" ")} && `] : [];
  const run = [...before.map((text) => `${text} && `), ...unset, `umask 0002 && ${start} && \\`];
  return [
    ...printed(body, marks, `RUN printf '%s\\n'`),
    `    >${scriptFile} && \\`,
    `    ${run.join("")}`,
    `    rm ${scriptFile}`,
  ];
}

/** A command line that runs the script's file, as `-c` in the heading gives it to a shell. */
function interpreted(command: string): string {
  return /^[\w./$ {}=+-]+$/.test(command)
    ? `${command} ${scriptFile}`
    : `/bin/sh -ex -c "${command.replaceAll("`", "\\`")} ${scriptFile}"`;
}

/** A RUN that writes a script of the image. */
export function writeFile(path: string, text: string, marks: Marks): string[] {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return [
    ...printed(text, marks, `RUN mkdir -p ${folder} && printf '%s\\n'`),
    `    >${path} && \\`,
    `    chmod 755 ${path}`,
  ];
}

/** The lines of a text as words of a command. */
function printed(text: string, marks: Marks, command: string): string[] {
  // Blank lines at the end mean nothing, unless a heredoc was left open.
  const lines = text.replace(text.includes("<<") ? /\n$/ : /\n+$/, "").split("\n");
  return [`${command} \\`, ...lines.map((line) => `    ${marks.shellWord(line)} \\`)];
}

function continued(first: string, lines: readonly string[]): string[] {
  const last = lines.length - 1;
  const shown = lines.map((line, index) => {
    if (line.startsWith("#")) return `    ${line}`;
    return index === last ? `    ${line}` : `    ${line.replace(/ $/, "")} \\`;
  });
  return [`${first} \\`, ...shown];
}

/** The body without the blanks that all its lines start with. */
function outdented(body: string): string {
  const lines = body.split("\n");
  const indents = lines
    .filter((line) => /\S/.test(line))
    .map((line) => /^[ \t]*/.exec(line)?.[0] ?? "");
  let common = indents[0] ?? "";
  for (const indent of indents) {
    while (!indent.startsWith(common)) common = common.slice(0, -1);
  }
  return lines.map((line) => line.slice(/\S/.test(line) ? common.length : 0)).join("\n");
}

/** The arguments whose variables the script has a meaning of its own for. */
function clashing(body: string, { marks, names }: RunContext): string[] {
  return names
    .map((name) => marks.variable(name))
    .filter((name) => {
      const used = new RegExp(`\\$\\{?[#!]?${name}\\b|(?:^|[\\s;&|({])${name}=`, "m");
      return used.test(body);
    });
}

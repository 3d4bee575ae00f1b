import type { Instruction } from "../dockerfile/dockerfile.ts";
import type { Losses } from "../losses.ts";
import { isInert, scriptShape, shellWord, singleQuoted } from "./shell-text.ts";

type Run = Instruction & { readonly kind: "run" };

/** What runs the shell form when no SHELL says otherwise. */
export const defaultShell: readonly string[] = ["/bin/sh", "-c"];

/**
 * The lines of `%post` for a RUN. Each has a shell of its own, which starts in the working directory and whose variables
 * and changes of folder end with it. That of the definition stops at the first command that fails; Docker's does not.
 */
export function convertRun(run: Run, shell: readonly string[], losses: Losses): string[] {
  for (const flag of run.flags) {
    const value = flag.value ?? "";
    const [kind = ""] = /(?<=type=)\w+/.exec(value) ?? [];
    if (flag.name === "mount" && (kind === "cache" || kind === "tmpfs")) {
      const hint = "remove in the same RUN what should not be in the image";
      losses.differs(
        flag.location,
        `what is written to the ${kind} mount stays in the image`,
        hint,
      );
      continue;
    }
    const hint =
      flag.name === "mount"
        ? "bring files in with COPY, or build with --bind"
        : "it has no counterpart";
    losses.lost(
      flag.location,
      `--${flag.name}=${value} is left out, and the command runs without it`,
      hint,
    );
  }
  const { command } = run;
  if (command.form === "exec") {
    if (command.words.length === 0) return [];
    return [`(exec ${command.words.map(shellWord).join(" ")})`];
  }
  const joined = command.lines.join("");
  const documents = command.heredocs.map(({ text, delimiter }) => `${text}${delimiter}\n`).join("");
  const script = command.heredocs[0]?.text ?? "";
  const text = command.isScript ? script : documents === "" ? joined : `${joined}\n${documents}`;
  if (command.isScript && text.startsWith("#!")) return scriptFile(text);
  if (shell.join(" ") !== defaultShell.join(" ")) return [explicit(shell, text)];
  const shape = scriptShape(joined);
  const isSafe = isInert(text) && (command.isScript || !shape.isOpen) && !/^\s*(?:#|$)/.test(text);
  // A heredoc of several lines, or a script, may hold quotes that only its own shell can tell apart.
  if (!isSafe || (command.isScript && scriptShape(text).isOpen)) return [explicit(shell, text)];
  const lines = [isPlainList(text) ? undefined : "    set +e", body(command.lines, text, joined)];
  return ["(", ...lines.filter((line) => line !== undefined), ")"];
}

const explicit = (shell: readonly string[], text: string) =>
  `${shell.map(shellWord).join(" ")} ${singleQuoted(text.replace(/\n$/, ""))}`;

/** Of commands with && and || alone the status is the same, whether or not the shell stops at the first that fails. */
const isPlainList = (text: string) => /^[^;|&(){}`\n#]*(?:(?:&&|\|\|)[^;|&(){}`\n#]*)*$/.test(text);

/** The text with the author's line breaks where they mean nothing to the shell. */
function body(lines: readonly string[], text: string, joined: string): string {
  if (text !== joined) return text.includes("\n") ? text.replace(/\n$/, "") : `    ${text}`;
  let length = 0;
  const offsets = lines.slice(0, -1).map((line) => (length += line.length));
  const { breaks } = scriptShape(joined, offsets);
  const broken = lines.join("\\\n");
  const isSame = breaks.length === offsets.length && breaks.every(Boolean) && isInert(broken);
  return `    ${isSame && lines.every((line) => line.trim() !== "") ? broken : joined}`;
}

/** A script with an interpreter of its own. */
function scriptFile(text: string): string[] {
  const file = "/.tsbuild-run";
  return [
    `printf %s ${singleQuoted(text)} >${file}`,
    `chmod 755 ${file}`,
    `(exec ${file})`,
    `rm -f ${file}`,
  ];
}

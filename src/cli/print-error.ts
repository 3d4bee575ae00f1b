import { printDiagnostic } from "../definition/print-diagnostic.ts";
import {
  DefinitionError,
  HostError,
  InterruptedError,
  TsbuildError,
  type ErrorOptions,
} from "../model/error.ts";
import { visibleText } from "./plain-text.ts";
import type { Output } from "./terminal.ts";

export interface ErrorForm {
  /** Show what an error was caused by. */
  readonly verbose: boolean;
  /** One line of JSON, of type `error`, as the events of `--progress=json` are. */
  readonly json?: boolean;
}

/** Tells what ended the program, for people or programs, and gives the status to exit with. */
export function printError(error: unknown, output: Output, form: ErrorForm): number {
  const told = explained(unwrapped(error));
  if (form.json === true) output.write(`${JSON.stringify(errorEvent(told))}\n`);
  else output.write(`${errorText(told, form.verbose)}\n`);
  return told instanceof TsbuildError ? told.exitCode : 1;
}

/** What counts when something went wrong and then the clean-up after it too: the first. */
function unwrapped(error: unknown): unknown {
  return error instanceof SuppressedError ? unwrapped(error.suppressed) : error;
}

/** A full disk, or too many open files, can strike anywhere and is nobody's bug. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TsbuildError || !("code" in error))
    return error;
  if (error.code === "EMFILE" || error.code === "ENFILE") {
    return new HostError("host/process-limit", "too many files are open", {
      cause: error,
      hint: "raise the limit with ulimit -n 4096, or have it raised in /etc/security/limits.conf",
    });
  }
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") return error;
  const options: ErrorOptions = {
    cause: error,
    hint: "free some space, or name another folder with --tmpdir; df -h shows what is full",
  };
  const where = "path" in error && typeof error.path === "string" ? ` for ${error.path}` : "";
  return new HostError("host/no-space", `there is no space left${where}`, options);
}

function errorText(error: unknown, isVerbose: boolean): string {
  if (error instanceof DefinitionError) return definitionText(error);
  if (error instanceof InterruptedError) return `tsbuild: ${error.message}`;
  if (!(error instanceof TsbuildError)) return bugText(error);
  const lines = [`tsbuild: error: ${visibleText(error.message)}`];
  for (const line of error.details) lines.push(`    ${visibleText(line)}`);
  if (error.location !== undefined) {
    const { file, line, column } = error.location;
    lines.push(`at: ${visibleText(file)}:${line}:${column}`);
  }
  if (error.hint !== undefined) lines.push(`hint: ${visibleText(error.hint)}`);
  lines.push(`code: ${error.code} (docs/errors/${error.code}.md)`);
  if (isVerbose) lines.push(...causes(error));
  return lines.join("\n");
}

/** Every mistake of the definition, each with its lines. */
function definitionText(error: DefinitionError): string {
  // The command that read the definition gives its text along.
  const source = "source" in error && typeof error.source === "string" ? error.source : undefined;
  const file = "file" in error && typeof error.file === "string" ? error.file : undefined;
  return error.diagnostics
    .map((diagnostic) => {
      const isOfSource = file === undefined || diagnostic.location.file === file;
      return printDiagnostic(diagnostic, isOfSource ? source : undefined);
    })
    .join("\n\n");
}

function causes(error: Error): string[] {
  const lines: string[] = [];
  // A cause that leads back to itself must not hold us forever.
  const seen = new Set<unknown>([error]);
  let cause = error.cause;
  while (cause !== undefined && !seen.has(cause)) {
    seen.add(cause);
    lines.push(`cause: ${visibleText(describe(cause))}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}

const describe = (value: unknown) =>
  value instanceof Error ? `${value.name}: ${value.message}` : String(value);

function bugText(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? describe(error)) : describe(error);
  const more = error instanceof Error ? causes(error) : [];
  return [
    "tsbuild: error: something happened that tsbuild was not made for",
    ...[...stack.split("\n"), ...more].map((line) => `    ${visibleText(line)}`),
    "This is a mistake in tsbuild, not in what you did. Please report it with the lines above, the definition file and",
    "what tsbuild --version says.",
  ].join("\n");
}

function errorEvent(error: unknown): object {
  const time = new Date().toISOString();
  if (!(error instanceof TsbuildError)) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { time, type: "error", code: "bug", message: describe(error), stack, exitCode: 1 };
  }
  const { code, message, hint, location, exitCode } = error;
  return {
    time,
    type: "error",
    code,
    message,
    hint,
    location,
    details: error.details.length > 0 ? error.details : undefined,
    diagnostics: error instanceof DefinitionError ? error.diagnostics : undefined,
    exitCode,
  };
}

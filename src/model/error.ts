import type { Diagnostic } from "./diagnostic.ts";
import type { Location } from "./location.ts";

export interface ErrorOptions {
  /** What to do next, in one sentence. */
  readonly hint?: string | undefined;
  readonly location?: Location | undefined;
  readonly cause?: unknown;
  /** Lines shown below the message as they are: the last output of a script, say. */
  readonly details?: readonly string[] | undefined;
}

/** The base of every failure that tsbuild expects and can explain. Anything else is a bug. */
export abstract class TsbuildError extends Error {
  /** Stable identifier `family/reason`; its page is `docs/errors/<code>.md`. */
  readonly code: string;
  readonly location: Location | undefined;
  readonly hint: string | undefined;
  readonly details: readonly string[];
  /** What the program exits with. */
  abstract readonly exitCode: number;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.location = options.location;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }
}

/** The command line is wrong: the turn of the person typing. */
export class UsageError extends TsbuildError {
  readonly exitCode = 2;
}

/** The definition file is wrong; its author can fix it. Holds everything that was found. */
export class DefinitionError extends TsbuildError {
  readonly exitCode = 3;
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[], options: ErrorOptions = {}) {
    const first =
      diagnostics.find((diagnostic) => diagnostic.severity === "error") ?? diagnostics[0];
    super(first?.code ?? "definition/invalid", first?.message ?? "the definition is not valid", {
      location: first?.location,
      hint: first?.hint,
      ...options,
    });
    this.diagnostics = diagnostics;
  }
}

/** A base image could not be had: registry, mirror, network, login, or a missing file. */
export class SourceError extends TsbuildError {
  readonly exitCode = 4;
}

/** A script of the definition failed, or a copy that it asks for. */
export class ScriptError extends TsbuildError {
  readonly exitCode = 5;
}

/** The machine can't do what is needed: no user namespaces, no space, a folder that can't be written. */
export class HostError extends TsbuildError {
  readonly exitCode = 6;
}

/** A file that we read is damaged or lies, or a file that we should write can't hold what is asked. */
export class FormatError extends TsbuildError {
  readonly exitCode = 7;
}

/** The user, or a signal, ended the run. */
export class InterruptedError extends TsbuildError {
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super("interrupted", `interrupted by ${signal}`);
    this.exitCode = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal];
  }
}

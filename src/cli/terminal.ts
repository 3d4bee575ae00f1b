import type { Environment } from "./settings.ts";

/** A place that text is written to; `process.stdout` and `process.stderr` are such. */
export interface Output {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a command sees of the world that called it. */
export interface Terminal {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  /** The working directory. */
  readonly folder: string;
}

/** A command is also told the words that it was called with, to call itself again. */
export interface CommandTerminal extends Terminal {
  readonly words: readonly string[];
}

/** The options before the command. */
export interface GlobalFlags {
  readonly quiet?: boolean;
  readonly silent?: boolean;
  readonly verbose?: boolean;
  readonly debug?: boolean;
  readonly nocolor?: boolean;
}

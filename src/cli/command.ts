import type { Command } from "commander";
import type { commandNames } from "./command-names.ts";
import type { CommandTerminal } from "./terminal.ts";

/**
 * How a command is called. To add one: write its file in `commands/`, then add a line to `commands.ts` and one to
 * `command-names.ts`. What it does is in another file, which `run` loads.
 */
export interface CliCommand {
  readonly name: (typeof commandNames)[number];
  readonly summary: string;
  /** Adds operands and options. */
  declare(command: Command): void;
  /** Does it and gives the exit code. @throws {TsbuildError} */
  run(operands: readonly string[], flags: object, terminal: CommandTerminal): Promise<number>;
}

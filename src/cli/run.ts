// The command line: which command, with which options. What a command does is in its own file, loaded when it is called.

import { Command, CommanderError } from "commander";
import { UsageError } from "../model/error.ts";
import { commands } from "./commands.ts";
import type { GlobalFlags, Terminal } from "./terminal.ts";
import { ownVersion } from "./version.ts";

/**
 * Runs the program with the words after its name and says what to exit with. Standard output carries results, standard
 * error carries progress and errors.
 */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = new Command("tsbuild")
    .description("Builds SIF container images from Singularity/Apptainer definition files.")
    .usage("[options] <app.def> | <command>")
    .option("-q, --quiet", "no progress, only warnings and errors")
    .option("-s, --silent", "only errors")
    .option("-v, --verbose", "more of what happens, and the causes of errors")
    .option("-d, --debug", "as --verbose")
    .option("--nocolor", "no colours")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      // Told once more, with hint and code, when the error is printed.
      writeErr: () => {},
    });
  // Declaring the options of all commands takes as long as checking a definition.
  const called = calledCommand(words);
  if (called === undefined) program.version(ownVersion());
  for (const command of commands) {
    if (called !== undefined && called !== command.name) continue;
    const made = program.command(command.name, { isDefault: command.name === "build" });
    made.description(command.summary).exitOverride();
    command.declare(made);
    made.action(async (...given: unknown[]) => {
      const operands = made.args;
      const flags = { ...program.opts<GlobalFlags>(), ...made.opts<Record<string, unknown>>() };
      void given;
      exitCode = await command.run(operands, flags, { ...terminal, words });
    });
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version were asked for, and are out.
      if (error.exitCode === 0) return 0;
      if (error.code === "commander.help") {
        terminal.stderr.write(program.helpInformation());
        return 2;
      }
      throw new UsageError(
        "usage/options",
        error.message.replace(/^error: /, "").replace(/\n\(/, " ("),
        {
          hint: "tsbuild --help lists the commands, tsbuild build --help the options of a build",
          cause: error,
        },
      );
    }
    throw error;
  }
}

/** The name of the command that is surely called; undefined when all have to be asked, for help say. */
function calledCommand(words: readonly string[]): string | undefined {
  const [first] = words;
  if (first === undefined || first === "help" || first.startsWith("-")) return undefined;
  return commands.find(({ name }) => name === first)?.name ?? "build";
}

// The commands. To add one: write its file, then add its line here.

import { Argument, type Command } from "commander";
import { addBuildFlags, type BuildFlags } from "./build-flags.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";

export interface CliCommand {
  readonly name: string;
  readonly summary: string;
  /** Adds operands and options. */
  declare(command: Command): void;
  /** Does it and gives the exit code. @throws {TsbuildError} */
  run(operands: readonly string[], flags: object, terminal: CommandTerminal): Promise<number>;
}

const build: CliCommand = {
  name: "build",
  summary:
    "make an image: tsbuild build [options] IMAGE SPEC, or tsbuild SPEC to write SPEC's name with .sif",
  declare(command) {
    command
      .usage("[options] [IMAGE] SPEC")
      .addArgument(new Argument("<operands...>", "IMAGE and SPEC, or SPEC alone"));
    addBuildFlags(command);
  },
  async run(operands, flags, terminal) {
    const { buildCommand } = await import("./build.ts");
    return buildCommand(operands, flags as BuildFlags & GlobalFlags, terminal);
  },
};

const plan: CliCommand = {
  name: "plan",
  summary: "show what a build would do, without doing it",
  declare(command) {
    command.argument("<spec>", "a definition file").option("--json", "as JSON");
    addPlanFlags(command);
  },
  async run(operands, flags, terminal) {
    const { planCommand } = await import("./plan.ts");
    return planCommand(operands, flags as Parameters<typeof planCommand>[1], terminal);
  },
};

const inspect: CliCommand = {
  name: "inspect",
  summary: "show what an image says about itself",
  declare(command) {
    command
      .argument("<image>", "a SIF file or a sandbox folder")
      .option("-a, --all", "everything")
      .option("-j, --json", "as JSON, in Apptainer's form")
      .option("-d, --deffile", "the definition that it was built from")
      .option("-r, --runscript", "its runscript")
      .option("-l, --labels", "its labels (this is also what is shown without options)")
      .option("-e, --environment", "its environment scripts")
      .option("-H, --helpfile", "its help text")
      .option("-t, --test", "its test script")
      .option("-s, --startscript", "its startscript")
      .option("--list", "every file with type, mode, owner and size")
      .option("--app <name>", "of this app");
  },
  async run(operands, flags, terminal) {
    const { inspectCommand } = await import("./inspect.ts");
    return inspectCommand(operands, flags, terminal);
  },
};

function addPlanFlags(command: Command): void {
  const collect = (value: string, before: string[]) => [...before, value];
  command
    .option("-s, --sandbox", "plan a sandbox")
    .option("--build-arg <name=value>", "a value for {{ name }}; may be given again", collect, [])
    .option("--build-arg-file <file>", "a file with a name=value on each line", collect, [])
    .option(
      "--warn-unused-build-args",
      "only warn of build arguments that the definition does not use",
    )
    .option("--section <names>", "only these sections take effect", collect, [])
    .option("-T, --notest", "don't run %test")
    .option("--arch <name>", "the image's architecture")
    .option("--arch-variant <name>", "its variant");
}

export const commands: readonly CliCommand[] = [build, plan, inspect];

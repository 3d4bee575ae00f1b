// The commands. To add one: write its file, then add its line here.

import { Argument, Option, type Command } from "commander";
import { addBuildFlags, type BuildFlags } from "./build-flags.ts";
import type { commandNames } from "./command-names.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";

export interface CliCommand {
  readonly name: (typeof commandNames)[number];
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

const lsp: CliCommand = {
  name: "lsp",
  summary: "be the language server of an editor, on standard input and output",
  declare(command) {
    // There is no other way, but editors like to ask for it.
    command.option("--stdio", "on standard input and output (always so)");
  },
  async run() {
    const { lspCommand } = await import("./lsp.ts");
    return lspCommand();
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
      .option("-a, --all", "everything, as JSON")
      .option("-j, --json", "as JSON, in Apptainer's form")
      .option("-d, --deffile", "the definition that it was built from")
      .option("-r, --runscript", "its runscript")
      .option("-l, --labels", "its labels (this is also what is shown without options)")
      .option("-e, --environment", "its environment scripts")
      .option("-H, --helpfile", "its help text")
      .option("-t, --test", "its test script")
      .option("-s, --startscript", "its startscript")
      .option("--list-apps", "the names of its apps")
      .option("--list", "every file with type, mode, owner and size")
      .option("--app <name>", "of this app");
  },
  async run(operands, flags, terminal) {
    const { inspectCommand } = await import("./inspect.ts");
    return inspectCommand(operands, flags, terminal);
  },
};

const check: CliCommand = {
  name: "check",
  summary: "tell what is wrong with definitions, and what could be better",
  declare(command) {
    command
      .argument("<files...>", "definition files; - is standard input")
      .addOption(
        new Option("--format <form>", "how to print")
          .choices(["text", "json", "github"])
          .default("text"),
      )
      .option("--strict", "warnings count as errors")
      .option("--fix", "mend in the files what can be mended with certainty");
    addArgumentFlags(command);
  },
  async run(operands, flags, terminal) {
    const { checkCommand } = await import("./check.ts");
    return checkCommand(operands, flags as Parameters<typeof checkCommand>[1], terminal);
  },
};

const convert: CliCommand = {
  name: "convert",
  summary: "make a definition of a Dockerfile, and tell what is lost",
  declare(command) {
    command
      .argument("<file>", "a Dockerfile; - is standard input")
      .option("-o, --output <file>", "write here instead of to standard output");
  },
  async run(operands, flags, terminal) {
    const { convertCommand } = await import("./convert.ts");
    return convertCommand(operands[0] ?? "-", flags, terminal);
  },
};

const format: CliCommand = {
  name: "format",
  summary: "bring definitions into one form, without changing what they mean",
  declare(command) {
    command
      .argument("<files...>", "definition files, changed in place; - is standard input")
      .option("--check", "write nothing, only tell whether a file would change");
  },
  async run(operands, flags, terminal) {
    const { formatCommand } = await import("./format.ts");
    return formatCommand(operands, flags, terminal);
  },
};

const sif: CliCommand = {
  name: "sif",
  summary: "show the parts of a SIF file: list, header, info ID, dump ID",
  declare(command) {
    command
      .usage("list|header IMAGE, or info|dump ID IMAGE")
      .addArgument(new Argument("<operands...>", "what to show, the object's id, and the image"));
  },
  async run(operands, flags, terminal) {
    const { sifCommand } = await import("./sif.ts");
    return sifCommand(operands, flags, terminal);
  },
};

const unpack: CliCommand = {
  name: "unpack",
  summary: "write an image's root file system into a new folder",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("<folder>", "a folder that does not exist yet");
  },
  async run(operands, flags, terminal) {
    const { unpackCommand } = await import("./image-files.ts");
    return unpackCommand(operands, flags, terminal);
  },
};

const ls: CliCommand = {
  name: "ls",
  summary: "list a directory of an image",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("[path]", "a path inside; the root without")
      .option("-R, --recursive", "all that is below it");
  },
  async run(operands, flags, terminal) {
    const { lsCommand } = await import("./image-files.ts");
    return lsCommand(operands, flags, terminal);
  },
};

const cat: CliCommand = {
  name: "cat",
  summary: "print files of an image",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("<paths...>", "paths of files inside");
  },
  async run(operands, flags, terminal) {
    const { catCommand } = await import("./image-files.ts");
    return catCommand(operands, flags, terminal);
  },
};

const diff: CliCommand = {
  name: "diff",
  summary: "tell in what two images differ",
  declare(command) {
    command
      .argument("<a>", "a SIF file, a SquashFS file or a sandbox folder")
      .argument("<b>", "another")
      .option("--json", "as JSON")
      .option("--ignore-times", "times may differ");
  },
  async run(operands, flags, terminal) {
    const { diffCommand } = await import("./diff.ts");
    return diffCommand(operands, flags, terminal);
  },
};

/** For an option that may be given several times. */
const collect = (value: string, before: string[]) => [...before, value];

function addArgumentFlags(command: Command): void {
  command
    .option("--build-arg <name=value>", "a value for {{ name }}; may be given again", collect, [])
    .option("--build-arg-file <file>", "a file with a name=value on each line", collect, []);
}

function addPlanFlags(command: Command): void {
  command.option("-s, --sandbox", "plan a sandbox");
  addArgumentFlags(command);
  command
    .option(
      "--warn-unused-build-args",
      "only warn of build arguments that the definition does not use",
    )
    .option("--section <names>", "only these sections take effect", collect, [])
    .option("-T, --notest", "don't run %test")
    .option("--arch <name>", "the image's architecture")
    .option("--arch-variant <name>", "its variant");
}

export const commands: readonly CliCommand[] = [
  build,
  cat,
  check,
  convert,
  diff,
  format,
  inspect,
  ls,
  lsp,
  plan,
  sif,
  unpack,
];

import type { CliCommand } from "../command.ts";

export const inspect: CliCommand = {
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
    const { inspectCommand } = await import("../inspect.ts");
    return inspectCommand(operands, flags, terminal);
  },
};

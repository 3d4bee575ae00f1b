import type { CliCommand } from "../command.ts";

export const format: CliCommand = {
  name: "format",
  summary: "bring definitions into one form, without changing what they mean",
  declare(command) {
    command
      .argument("<files...>", "definition files, changed in place; - is standard input")
      .option("--check", "write nothing, only tell whether a file would change");
  },
  async run(operands, flags, terminal) {
    const { formatCommand } = await import("../format.ts");
    return formatCommand(operands, flags, terminal);
  },
};

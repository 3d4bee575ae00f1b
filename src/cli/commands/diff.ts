import type { CliCommand } from "../command.ts";

export const diff: CliCommand = {
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
    const { diffCommand } = await import("../diff.ts");
    return diffCommand(operands, flags, terminal);
  },
};

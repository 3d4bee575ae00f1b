import type { CliCommand } from "../command.ts";

export const ls: CliCommand = {
  name: "ls",
  summary: "list a directory of an image",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("[path]", "a path inside; the root without")
      .option("-R, --recursive", "all that is below it");
  },
  async run(operands, flags, terminal) {
    const { lsCommand } = await import("../image-files.ts");
    return lsCommand(operands, flags, terminal);
  },
};

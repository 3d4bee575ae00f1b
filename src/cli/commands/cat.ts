import type { CliCommand } from "../command.ts";

export const cat: CliCommand = {
  name: "cat",
  summary: "print files of an image",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("<paths...>", "paths of files inside");
  },
  async run(operands, flags, terminal) {
    const { catCommand } = await import("../image-files.ts");
    return catCommand(operands, flags, terminal);
  },
};

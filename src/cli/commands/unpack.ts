import type { CliCommand } from "../command.ts";

export const unpack: CliCommand = {
  name: "unpack",
  summary: "write an image's root file system into a new folder",
  declare(command) {
    command
      .argument("<image>", "a SIF or SquashFS file")
      .argument("<folder>", "a folder that does not exist yet");
  },
  async run(operands, flags, terminal) {
    const { unpackCommand } = await import("../image-files.ts");
    return unpackCommand(operands, flags, terminal);
  },
};

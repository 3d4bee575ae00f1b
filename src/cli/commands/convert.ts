import type { CliCommand } from "../command.ts";

export const convert: CliCommand = {
  name: "convert",
  summary: "make a definition of a Dockerfile, and tell what is lost",
  declare(command) {
    command
      .argument("<file>", "a Dockerfile; - is standard input")
      .option("-o, --output <file>", "write here instead of to standard output");
  },
  async run(operands, flags, terminal) {
    const { convertCommand } = await import("../convert.ts");
    return convertCommand(operands[0] ?? "-", flags, terminal);
  },
};

import { Option } from "commander";
import { formats } from "../../convert/source-format.ts";
import type { CliCommand } from "../command.ts";

export const convert: CliCommand = {
  name: "convert",
  summary: "make a definition of a Dockerfile or the other way, and tell what is lost",
  declare(command) {
    command
      .argument("<file>", "a Dockerfile or a definition; - is standard input")
      .addOption(
        new Option("--to <format>", "what to make; by default what the file is not").choices(
          formats,
        ),
      )
      .option("-o, --output <file>", "write here instead of to standard output");
  },
  async run(operands, flags, terminal) {
    const { convertCommand } = await import("../convert.ts");
    return convertCommand(operands[0] ?? "-", flags, terminal);
  },
};

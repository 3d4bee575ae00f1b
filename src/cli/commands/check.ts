import { Option } from "commander";
import { addArgumentFlags } from "../argument-flags.ts";
import type { CliCommand } from "../command.ts";

export const check: CliCommand = {
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
    const { checkCommand } = await import("../check.ts");
    return checkCommand(operands, flags as Parameters<typeof checkCommand>[1], terminal);
  },
};

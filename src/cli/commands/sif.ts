import { Argument } from "commander";
import type { CliCommand } from "../command.ts";

export const sif: CliCommand = {
  name: "sif",
  summary: "show the parts of a SIF file: list, header, info ID, dump ID",
  declare(command) {
    command
      .usage("list|header IMAGE, or info|dump ID IMAGE")
      .addArgument(new Argument("<operands...>", "what to show, the object's id, and the image"));
  },
  async run(operands, flags, terminal) {
    const { sifCommand } = await import("../sif.ts");
    return sifCommand(operands, flags, terminal);
  },
};

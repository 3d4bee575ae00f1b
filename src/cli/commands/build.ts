import { Argument } from "commander";
import { addBuildFlags, type BuildFlags } from "../build-flags.ts";
import type { CliCommand } from "../command.ts";
import type { GlobalFlags } from "../terminal.ts";

export const build: CliCommand = {
  name: "build",
  summary:
    "make an image: tsbuild build [options] IMAGE SPEC, or tsbuild SPEC to write SPEC's name with .sif",
  declare(command) {
    command
      .usage("[options] [IMAGE] SPEC")
      .addArgument(new Argument("<operands...>", "IMAGE and SPEC, or SPEC alone"));
    addBuildFlags(command);
  },
  async run(operands, flags, terminal) {
    const { buildCommand } = await import("../build.ts");
    return buildCommand(operands, flags as BuildFlags & GlobalFlags, terminal);
  },
};

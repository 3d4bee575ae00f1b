import type { Command } from "commander";

/** For an option that may be given several times. */
export const collectOption = (value: string, before: string[]) => [...before, value];

/** The options that give build arguments their values. */
export function addArgumentFlags(command: Command): void {
  command
    .option(
      "--build-arg <name=value>",
      "a value for {{ name }}; may be given again",
      collectOption,
      [],
    )
    .option("--build-arg-file <file>", "a file with a name=value on each line", collectOption, []);
}

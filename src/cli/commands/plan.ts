import { addArgumentFlags, collectOption } from "../argument-flags.ts";
import type { CliCommand } from "../command.ts";

export const plan: CliCommand = {
  name: "plan",
  summary: "show what a build would do, without doing it",
  declare(command) {
    command.argument("<spec>", "a definition file").option("--json", "as JSON");
    command.option("-s, --sandbox", "plan a sandbox");
    command.option(
      "--portable",
      "only what is the same on every machine: not how scripts would be run here",
    );
    command.option("--isolation <name>", "the way to run scripts, as in a build");
    command.option("--tmpdir <folder>", "where a build would have temporary folders");
    addArgumentFlags(command);
    command
      .option(
        "--build-arg-secret <id=name,src=file|env=var>",
        "a value that is masked, as in a build",
        collectOption,
        [],
      )
      .option(
        "--warn-unused-build-args",
        "only warn of build arguments that the definition does not use",
      )
      .option("--section <names>", "only these sections take effect", collectOption, [])
      .option("-T, --notest", "don't run %test")
      .option("--arch <name>", "the image's architecture")
      .option("--arch-variant <name>", "its variant");
  },
  async run(operands, flags, terminal) {
    const { planCommand } = await import("../plan.ts");
    return planCommand(operands, flags as Parameters<typeof planCommand>[1], terminal);
  },
};

import { Argument } from "commander";
import { addAccessFlags } from "../access-flags.ts";
import { addArgumentFlags } from "../argument-flags.ts";
import type { CliCommand } from "../command.ts";

export const cache: CliCommand = {
  name: "cache",
  summary: "look after what is kept between builds: list, clean, verify, fetch",
  declare(command) {
    command
      .usage("list | clean | verify | fetch [options] [IMAGE or DEFINITION …]")
      .addArgument(new Argument("<operands...>", "what to do, and for fetch what to fetch"))
      .optionsGroup("list:")
      .option("-v, --verbose", "every entry")
      .option("--json", "as JSON")
      .optionsGroup("list and clean:")
      .option(
        "-T, --type <kinds>",
        "only these: blob, sif, index, root, tag, part, code, all; a list",
        "all",
      )
      .optionsGroup("clean:")
      .option("-a, --all", "everything; so it is where nothing else is said")
      .option("-D, --days <number>", "what was not used for so many days")
      .option("--older-than <time>", "the same for any time: 90m, 12h, 30d, 2w")
      .option("--to-size <size>", "what was not used for longest, until the rest is this small")
      .option("-n, --dry-run", "only say what would be removed")
      .option("-f, --force", "don't ask")
      .optionsGroup("fetch:")
      .option("--arch <name>", "the images' architecture")
      .option("--arch-variant <name>", "its variant")
      .option("--platform <platform>", "both, as linux/arm64/v8");
    addArgumentFlags(command);
    addAccessFlags(command);
  },
  async run(operands, flags, terminal) {
    const { cacheCommand } = await import("../cache.ts");
    return cacheCommand(operands, flags as Parameters<typeof cacheCommand>[1], terminal);
  },
};

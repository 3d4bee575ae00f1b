import { Argument, Option } from "commander";
import { addAccessFlags } from "../access-flags.ts";
import type { CliCommand } from "../command.ts";
import type { PullFlags } from "../pull.ts";
import type { GlobalFlags } from "../terminal.ts";

export const pull: CliCommand = {
  name: "pull",
  summary: "get an image: tsbuild pull [IMAGE] docker://…, oras://…, library://… or https://…",
  declare(command) {
    command
      .usage("[options] [IMAGE] SOURCE")
      .addArgument(
        new Argument("<operands...>", "the file to write (NAME_TAG.sif without) and the source"),
      )
      .option("-F, --force", "replace a file that exists")
      .option("--name <file>", "the file to write")
      .option("--dir <folder>", "the folder to write it to")
      .option("--arch <name>", "the image's architecture, in Go's words (amd64, arm64, …)")
      .option("--arch-variant <name>", "its variant (v7, v8, …)")
      .option("--library <address>", "the server for library://")
      .option("--no-cleanup", "keep the temporary folders")
      .option("--tmpdir <folder>", "where temporary folders are made")
      .addOption(
        new Option("--progress <form>", "how to tell what happens").choices([
          "plain",
          "tty",
          "json",
        ]),
      )
      .addOption(new Option("-U, --allow-unsigned").hideHelp())
      .addOption(new Option("--allow-unauthenticated").hideHelp());
    addAccessFlags(command);
  },
  async run(operands, flags, terminal) {
    const { pullCommand } = await import("../pull.ts");
    return pullCommand(operands, flags as PullFlags & GlobalFlags, terminal);
  },
};

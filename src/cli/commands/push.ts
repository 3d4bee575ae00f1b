import { Option } from "commander";
import type { CliCommand } from "../command.ts";

export const push: CliCommand = {
  name: "push",
  summary: "put an image into a registry: tsbuild push IMAGE oras://HOST/REPO:TAG",
  declare(command) {
    command
      .argument("<image>", "a SIF file; for docker:// also a sandbox folder")
      .argument(
        "<target>",
        "oras://HOST/REPO:TAG (the SIF file as it is), docker://HOST/REPO:TAG (its files, for Docker and Podman) or library://…",
      )
      .option("--no-https", "talk plain http to the registry")
      .option("--authfile <file>", "a file of logins in Docker's form, asked before all others")
      .option("--docker-login", "ask for a name and password")
      .option("--cert-dir <folder>", "a folder with ca.crt, client.cert and client.key")
      .option("--compress <how>", "docker://: gzip[:LEVEL] (default) or zstd[:LEVEL]")
      .option("--mount-from <repo>", "another repository of the registry that may hold the data")
      .option("--library <address>", "library://: the server")
      .option("-D, --description <text>", "library://: what the image is")
      .option("--timestamp <time>", "docker://: when a sandbox folder's image was made")
      .option("-U, --allow-unsigned", "accepted as in Apptainer; signatures are not asked for")
      .addOption(
        new Option("--progress <form>", "how to tell what happens").choices([
          "plain",
          "tty",
          "json",
        ]),
      )
      .option("--tmpdir <folder>", "where temporary folders are made");
  },
  async run(operands, flags, terminal) {
    const { pushCommand } = await import("../push.ts");
    return pushCommand(operands, flags, terminal);
  },
};

import type { CliCommand } from "../command.ts";

export const login: CliCommand = {
  name: "login",
  summary: "log in to a registry, and keep the login where Apptainer finds it too",
  declare(command) {
    command
      .argument("[registry]", "its host and port; Docker Hub without")
      .option("-u, --username <name>", "who; asked for at the terminal without it")
      .option("--password-stdin", "read the password from standard input")
      .option("-p, --password <text>", "the password; others can see it in the list of processes")
      .option("--authfile <file>", "keep it in this file, which is in Docker's form")
      .option("--no-https", "talk plain http to the registry")
      .option("--cert-dir <folder>", "a folder with ca.crt, client.cert and client.key");
  },
  async run(operands, flags, terminal) {
    const { loginCommand } = await import("../login.ts");
    return loginCommand(operands[0], flags, terminal);
  },
};

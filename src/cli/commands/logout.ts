import type { CliCommand } from "../command.ts";

export const logout: CliCommand = {
  name: "logout",
  summary: "forget the login to a registry",
  declare(command) {
    command
      .argument("[registry]", "its host and port; Docker Hub without")
      .option("--authfile <file>", "take it out of this file");
  },
  async run(operands, flags, terminal) {
    const { logoutCommand } = await import("../login.ts");
    return logoutCommand(operands[0], flags, terminal);
  },
};

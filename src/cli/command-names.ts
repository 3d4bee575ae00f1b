/** What the commands are called, apart from them so that a command can know them. */
export const commandNames = ["build", "check", "format", "inspect", "plan"] as const;

/** What the commands are called, apart from them so that a command can know them. */
export const commandNames = [
  "build",
  "cache",
  "cat",
  "check",
  "convert",
  "diff",
  "format",
  "inspect",
  "login",
  "logout",
  "ls",
  "lsp",
  "plan",
  "push",
  "sif",
  "unpack",
] as const;

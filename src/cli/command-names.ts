/** What the commands are called, apart from them so that a command can know them. */
export const commandNames = [
  "build",
  "cat",
  "check",
  "convert",
  "diff",
  "format",
  "inspect",
  "ls",
  "lsp",
  "plan",
  "sif",
  "unpack",
] as const;

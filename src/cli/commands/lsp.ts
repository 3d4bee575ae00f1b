import type { CliCommand } from "../command.ts";

export const lsp: CliCommand = {
  name: "lsp",
  summary: "be the language server of an editor, on standard input and output",
  declare(command) {
    // There is no other way, but editors like to ask for it.
    command.option("--stdio", "on standard input and output (always so)");
  },
  async run() {
    const { lspCommand } = await import("../lsp.ts");
    return lspCommand();
  },
};

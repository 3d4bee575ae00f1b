import { serveLanguage } from "../lsp/serve-language.ts";
import { forgivingStream } from "./standard-output.ts";
import { ownVersion } from "./version.ts";

/** `tsbuild lsp`: the language server, for an editor that has started it. It ends the process when the editor asks it to. */
export async function lspCommand(): Promise<number> {
  serveLanguage(process.stdin, forgivingStream(process.stdout), ownVersion());
  return new Promise<number>(() => {});
}

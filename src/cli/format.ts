import { resolve } from "node:path";
import { formatDefinitionFile } from "../definition/format-definition.ts";
import { DefinitionError } from "../model/error.ts";
import { DefinitionFailure } from "./load-plan.ts";
import { readInput } from "./read-input.ts";
import { replaceFile } from "./replace-file.ts";
import type { Terminal } from "./terminal.ts";

/** What `format --check` exits with when a file has another form. */
const otherForm = new DefinitionError([]).exitCode;

/**
 * `tsbuild format FILE…`: brings definitions into the one canonical form, in place; `-` reads standard input and writes
 * standard output. With `--check` nothing is written, and the exit code is 3 when a file would change.
 */
export async function formatCommand(
  files: readonly string[],
  flags: { readonly check?: boolean },
  terminal: Terminal,
): Promise<number> {
  let exitCode = 0;
  for (const file of files) {
    const isStream = file === "-";
    const before = await readInput(file, terminal.folder);
    const after = formatted(before, file);
    const isSame = before.equals(after);
    if (flags.check === true) {
      if (isSame) continue;
      exitCode = otherForm;
      terminal.stderr.write(
        `${file} is not in the canonical form; tsbuild format ${file} brings it there\n`,
      );
    } else if (isStream) terminal.stdout.write(after);
    else if (!isSame) await replaceFile(resolve(terminal.folder, file), after);
  }
  return exitCode;
}

function formatted(bytes: Buffer, file: string): Uint8Array {
  try {
    return formatDefinitionFile(bytes, file);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new DefinitionFailure(error.diagnostics, file, bytes.toString());
  }
}

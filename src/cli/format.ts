import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { formatDefinitionFile } from "../definition/format-definition.ts";
import { DefinitionError, HostError } from "../model/error.ts";
import { DefinitionFailure } from "./load-plan.ts";
import { unreadable } from "./read-spec.ts";
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
    const path = isStream ? "/dev/stdin" : resolve(terminal.folder, file);
    const before = await readFile(path).catch(unreadable(file));
    const after = formatted(before, file);
    const isSame = before.equals(after);
    if (flags.check === true) {
      if (isSame) continue;
      exitCode = otherForm;
      terminal.stderr.write(
        `${file} is not in the canonical form; tsbuild format ${file} brings it there\n`,
      );
    } else if (isStream) terminal.stdout.write(after);
    else if (!isSame) await replaceFile(path, after);
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

/** The file has the old text or the new one, whatever happens, and keeps its mode. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const beside = resolve(dirname(path), `.tsbuild-format-${process.pid}`);
  try {
    const { mode } = await stat(path);
    await writeFile(beside, bytes, { mode: mode & 0o7777, flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw new HostError("host/not-writable", `${path} can't be written`, {
      hint: "check that you may write the file and its folder",
      cause: error,
    });
  }
}

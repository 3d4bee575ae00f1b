import { isUtf8 } from "node:buffer";
import { resolve } from "node:path";
import { parseBuildArguments } from "../definition/build-arguments.ts";
import { checkDefinition } from "../definition/check-definition.ts";
import { fixDefinition } from "../definition/fix-definition.ts";
import { readDefinition, type ReadOptions } from "../definition/read-definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { DefinitionError } from "../model/error.ts";
import { agentNames } from "../source/find-source.ts";
import { checkFormats, type CheckedFile } from "./check-formats.ts";
import { readInput } from "./read-input.ts";
import { readArgumentFiles } from "./read-argument-files.ts";
import { replaceFile } from "./replace-file.ts";
import type { Terminal } from "./terminal.ts";

interface CheckFlags {
  readonly format: keyof typeof checkFormats;
  readonly strict?: boolean;
  readonly fix?: boolean;
  readonly buildArg: readonly string[];
  readonly buildArgFile: readonly string[];
}

/** What `check` exits with when a definition is wrong: the same as a build of it. */
const wrong = new DefinitionError([]).exitCode;

/**
 * `tsbuild check FILE…`: all that is wrong with definitions, and advice about those that can be built. Exits with 3 when
 * there is an error in any, or with `--strict` a warning.
 *
 * With `--fix` what can be mended with certainty is mended in the files, and told; what is left decides the exit code.
 * The text of `-` is then written to standard output, and all that is told to standard error.
 */
export async function checkCommand(
  files: readonly string[],
  flags: CheckFlags,
  terminal: Terminal,
): Promise<number> {
  const given = parseBuildArguments({
    flags: flags.buildArg,
    files: await readArgumentFiles(flags.buildArgFile, terminal.folder),
  });
  const checked: CheckedFile[] = [];
  for (const file of files) {
    const bytes = await readInput(file, terminal.folder);
    const options: ReadOptions = {
      file,
      agents: agentNames,
      buildArguments: given.buildArguments,
      // One set of arguments may be meant for several files.
      warnUnused: files.length > 1,
    };
    if (flags.fix !== true) checked.push({ file, ...findings(bytes, options) });
    else {
      const { bytes: after, fixed, remaining } = fixDefinition(bytes, options);
      if (file === "-") terminal.stdout.write(after);
      else if (fixed.length > 0) await replaceFile(resolve(terminal.folder, file), after);
      checked.push({ file, source: textOf(after), diagnostics: remaining, fixed });
    }
  }
  const own = { file: "", source: "", diagnostics: given.diagnostics };
  const all = given.diagnostics.length > 0 ? [own, ...checked] : checked;
  const isTextOut = flags.fix === true && files.includes("-");
  const output = isTextOut ? terminal.stderr : terminal.stdout;
  output.write(checkFormats[flags.format](all));
  const counts = (diagnostic: Diagnostic) =>
    flags.strict === true || diagnostic.severity === "error";
  return all.some(({ diagnostics }) => diagnostics.some(counts)) ? wrong : 0;
}

function findings(bytes: Buffer, options: ReadOptions) {
  const read = readDefinition(bytes, options);
  return { source: textOf(bytes), diagnostics: checkDefinition(read) };
}

/** The text whose lines are shown, with a character for each byte where it is no UTF-8, as places count them. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString(isUtf8(bytes) ? "utf8" : "latin1");
}

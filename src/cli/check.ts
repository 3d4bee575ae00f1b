import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseBuildArguments } from "../definition/build-arguments.ts";
import { checkDefinition } from "../definition/check-definition.ts";
import { readDefinition } from "../definition/read-definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { DefinitionError } from "../model/error.ts";
import { agentNames } from "../source/find-source.ts";
import { checkFormats, type CheckedFile } from "./check-formats.ts";
import { unreadable } from "./read-spec.ts";
import { readArgumentFiles } from "./load-plan.ts";
import type { Terminal } from "./terminal.ts";

interface CheckFlags {
  readonly format: keyof typeof checkFormats;
  readonly strict?: boolean;
  readonly buildArg: readonly string[];
  readonly buildArgFile: readonly string[];
}

/** What `check` exits with when a definition is wrong: the same as a build of it. */
const wrong = new DefinitionError([]).exitCode;

/**
 * `tsbuild check FILE…`: all that is wrong with definitions, and advice about those that can be built. Exits with 3 when
 * there is an error in any, or with `--strict` a warning.
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
    const name = file === "-" ? "/dev/stdin" : file;
    const bytes = await readFile(resolve(terminal.folder, name)).catch(unreadable(file));
    const read = readDefinition(bytes, {
      file,
      agents: agentNames,
      buildArguments: given.buildArguments,
      // One set of arguments may be meant for several files.
      warnUnused: files.length > 1,
    });
    checked.push({
      file,
      source: bytes.toString(read.definition?.encoding ?? "utf8"),
      diagnostics: checkDefinition(read),
    });
  }
  const own = { file: "", source: "", diagnostics: given.diagnostics };
  const all = given.diagnostics.length > 0 ? [own, ...checked] : checked;
  terminal.stdout.write(checkFormats[flags.format](all));
  const counts = (diagnostic: Diagnostic) =>
    flags.strict === true || diagnostic.severity === "error";
  return all.some(({ diagnostics }) => diagnostics.some(counts)) ? wrong : 0;
}

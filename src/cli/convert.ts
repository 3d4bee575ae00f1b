import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { convertDefinition } from "../convert/convert-definition.ts";
import { convertDockerfile } from "../convert/convert-dockerfile.ts";
import { sourceFormat, type Format } from "../convert/source-format.ts";
import { DefinitionError } from "../model/error.ts";
import { DefinitionFailure } from "./load-plan.ts";
import { printWarnings } from "./print-warnings.ts";
import { unreadable } from "./read-spec.ts";
import { replaceFile } from "./replace-file.ts";
import type { Terminal } from "./terminal.ts";

export interface ConvertFlags {
  readonly output?: string;
  readonly to?: Format;
}

/**
 * `tsbuild convert FILE`: writes the definition for a Dockerfile, or the Dockerfile for a definition, to standard output,
 * or with `-o` to a file, and tells on standard error what it does not do or does in another way. What the files to copy
 * are is looked up beside the file.
 * @throws {DefinitionError} with all mistakes of the file
 * @throws {HostError} `host/not-readable`, `host/not-writable`
 */
export async function convertCommand(
  name: string,
  flags: ConvertFlags,
  terminal: Terminal,
): Promise<number> {
  const file = resolve(terminal.folder, name === "-" ? "/dev/stdin" : name);
  const bytes = await readFile(file).catch(unreadable(name));
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  const source = bytes.toString(encoding);
  const folder = name === "-" ? terminal.folder : dirname(file);
  const to =
    flags.to ?? (sourceFormat(name, source) === "dockerfile" ? "definition" : "dockerfile");
  const { text, losses } = converted(source, name, folder, to);
  printWarnings(losses, name, source, terminal.stderr);
  const result = Buffer.from(text, encoding);
  if (flags.output === undefined) terminal.stdout.write(result);
  else await replaceFile(resolve(terminal.folder, flags.output), result, flags.output);
  return 0;
}

const conversions = { definition: convertDockerfile, dockerfile: convertDefinition } as const;

function converted(source: string, file: string, folder: string, to: Format) {
  try {
    return conversions[to](source, {
      file,
      kindOf: (path) => kindOf(resolve(folder, path)),
      ignored: ignored(resolve(folder, file), folder),
    });
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new DefinitionFailure(error.diagnostics, file, source);
  }
}

/** What Docker leaves out of what it copies; BuildKit looks for a file of the Dockerfile's own first. */
function ignored(file: string, folder: string): string {
  for (const path of [
    `${file}.dockerignore`,
    `${folder}/.containerignore`,
    `${folder}/.dockerignore`,
  ]) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      // Most projects have none.
    }
  }
  return "";
}

function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const found = statSync(path);
    if (found.isDirectory()) return "folder";
    return found.isFile() ? "file" : undefined;
  } catch {
    // Not there yet, or not to be seen: the conversion can do without.
    return undefined;
  }
}

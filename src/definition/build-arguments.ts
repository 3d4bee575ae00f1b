import type { Diagnostic } from "../model/diagnostic.ts";
import type { Location } from "../model/location.ts";
import { csvRecord } from "./csv-record.ts";
import { displayText } from "./display-text.ts";
import { trim } from "./white-space.ts";
import { characterCount } from "./character-count.ts";

/** A value for `{{ name }}` given from outside the definition. */
export interface BuildArgument {
  readonly name: string;
  readonly value: string;
  /** The argument file's line, or the option: then `file` is `--build-arg` with what was given. */
  readonly location: Location;
}

/** By name. */
export type BuildArguments = ReadonlyMap<string, BuildArgument>;

export interface BuildArgumentInput {
  /** What was given to each `--build-arg`, in order: a list of `name=value` with commas between. */
  readonly flags: readonly string[];
  /** The files given to `--build-arg-file`, in order: a `name=value` on each line. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

export interface ReadBuildArguments {
  readonly buildArguments: BuildArguments;
  /** Errors have the code `usage/build-argument`, lines of a file that are left out `definition/argument-line`. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The build arguments of the command line. Options win over files, later ones over earlier ones. As in Apptainer, a name
 * and its value are trimmed and quotes in files belong to the value. Unlike there, a line of a file that starts with `#`
 * is a comment even when it holds a `=`, and blank lines and comments give no warning.
 */
export function parseBuildArguments(input: BuildArgumentInput): ReadBuildArguments {
  const buildArguments = new Map<string, BuildArgument>();
  const diagnostics: Diagnostic[] = [];
  for (const { name: file, text } of input.files) {
    for (const [index, raw] of text.split("\n").entries()) {
      const line = trim(raw);
      if (line === "" || line.startsWith("#")) continue;
      const column = raw.indexOf(line) + 1;
      const location = { file, line: index + 1, column, length: characterCount(line) };
      const pair = splitPair(line);
      if (pair === undefined) diagnostics.push(skippedLine(line, location));
      else buildArguments.set(pair.name, { ...pair, location });
    }
  }
  for (const flag of input.flags) {
    const file = `--build-arg ${displayText(flag)}`;
    const location = { file, line: 1, column: 1, length: 0 };
    const refuse = (message: string) =>
      diagnostics.push({
        severity: "error",
        code: "usage/build-argument",
        message,
        location,
        hint: "write --build-arg name=value; a value with a comma needs quotes of its own: '\"name=a,b\"'",
      });
    const entries = csvRecord(flag);
    if (typeof entries === "string") {
      refuse(`--build-arg ${displayText(flag)} is no list of name=value: ${entries}`);
      continue;
    }
    for (const entry of entries) {
      const pair = splitPair(entry);
      if (pair === undefined) refuse(`--build-arg "${displayText(entry)}" is not name=value`);
      else buildArguments.set(pair.name, { ...pair, location });
    }
  }
  return { buildArguments, diagnostics };
}

/** Name and value around the first `=`, both trimmed; undefined without a `=` or without a name. */
export function splitPair(text: string): { name: string; value: string } | undefined {
  const equals = text.indexOf("=");
  const name = trim(text.slice(0, Math.max(equals, 0)));
  return name === "" ? undefined : { name, value: trim(text.slice(equals + 1)) };
}

/** The warning about a line with default values or build arguments that is not `name=value`. */
export function skippedLine(line: string, location: Location): Diagnostic {
  return {
    severity: "warning",
    code: "definition/argument-line",
    message: `"${displayText(line)}" is not name=value and is left out`,
    location,
    hint: "write name=value, or start the line with # if it is a comment",
  };
}

// Where people already put their settings: flags first, then tsbuild's own variables, then those of Apptainer and
// SingularityCE, which scripts and site profiles set.

import { resolve } from "node:path";
import { UsageError } from "../model/error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of `TSBUILD_X`, `APPTAINER_X` or `SINGULARITY_X`, the first that is set and not empty. */
export function setting(environment: Environment, name: string): string | undefined {
  for (const prefix of ["TSBUILD_", "APPTAINER_", "SINGULARITY_"]) {
    const value = environment[prefix + name];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** A switch: Apptainer reads these with Go's `ParseBool`. @throws {UsageError} `usage/environment` */
export function switchSetting(environment: Environment, name: string): boolean {
  const value = setting(environment, name);
  if (value === undefined) return false;
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new UsageError(
    "usage/environment",
    `the variable …_${name} is ${value}, neither true nor false`,
    {
      hint: "set it to 1 or 0, or unset it",
    },
  );
}

/** Where temporary folders go: `--tmpdir`, then the variables, then `/tmp`. */
export function temporaryParent(flag: string | undefined, environment: Environment): string {
  return resolve(flag ?? setting(environment, "TMPDIR") ?? environment["TMPDIR"] ?? "/tmp");
}

/**
 * The time of everything that the build makes: `--timestamp` (seconds since 1970, or a date as ISO 8601 has it), then
 * `SOURCE_DATE_EPOCH`, else now. A given time makes the same inputs give the same bytes.
 * @throws {UsageError} `usage/timestamp`
 */
export function buildTime(
  flag: string | undefined,
  environment: Environment,
): { readonly seconds: number; readonly isFixed: boolean } {
  const given = flag ?? environment["SOURCE_DATE_EPOCH"];
  if (given === undefined || given === "")
    return { seconds: Math.floor(Date.now() / 1000), isFixed: false };
  // Date.parse takes nearly anything, "-1" too.
  const isDate = /^\d{4}-\d\d-\d\d/.test(given);
  const seconds = /^\d+$/.test(given)
    ? Number(given)
    : Math.floor((isDate ? Date.parse(given) : Number.NaN) / 1000);
  // SquashFS keeps times in 32 bits without a sign.
  if (!(seconds >= 0 && seconds <= 0xffff_ffff)) {
    throw new UsageError(
      "usage/timestamp",
      `${flag === undefined ? "SOURCE_DATE_EPOCH" : "--timestamp"} is ${given}, which is no time between 1970 and 2106`,
      { hint: "give whole seconds since 1970 (date +%s), or a date such as 2026-11-24T00:00:00Z" },
    );
  }
  return { seconds, isFixed: true };
}

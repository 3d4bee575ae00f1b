import { ScriptError } from "../model/error.ts";
import type { ProgramEnd } from "../system/run-program.ts";
import type { Limited, Limits } from "./limits.ts";
import type { ScriptOutput } from "./script-failure.ts";

/** What programs say when a limit of their own process is reached, where no control group counts. */
const complaints: Readonly<Record<"memory" | "processes", RegExp>> = {
  memory: /cannot allocate memory|out of memory|memory exhausted|bad_alloc|MemoryError|ENOMEM/i,
  processes: /can(?:'t|not) (?:create thread|fork)|resource temporarily unavailable|EAGAIN/i,
};

/** The limit that a script's last words tell of, of those that no control group keeps. */
export function likelyLimit(
  limits: Limits,
  kept: readonly Limited[],
  lastLines: readonly string[],
): "memory" | "processes" | undefined {
  const given = { memory: limits.memoryBytes, processes: limits.processes };
  return (["memory", "processes"] as const).find(
    (kind) =>
      given[kind] !== undefined &&
      !kept.includes(kind) &&
      lastLines.some((line) => complaints[kind].test(line)),
  );
}

/** The error for a script that a limit ended, or something of it. */
export function limitFailure(
  kind: Limited,
  output: ScriptOutput,
  limits: Limits,
  end: ProgramEnd | undefined,
  lineOffset: number,
): ScriptError {
  const { place, section } = output;
  const at = end === undefined ? "" : place;
  const [code, message, hint] =
    kind === "memory"
      ? ([
          "script/memory",
          `%${section} needed more than the ${size(limits.memoryBytes ?? 0)} of --memory, and a process of it was stopped`,
          "give it more with --memory, or let it do less at a time (make -j)",
        ] as const)
      : ([
          "script/processes",
          `%${section} wanted more than the ${limits.processes} processes of --pids`,
          "give it more with --pids, or let it do less at a time (make -j); threads count as well",
        ] as const);
  return new ScriptError(code, message + at, {
    location: output.location(lineOffset),
    hint,
    details: output.details,
  });
}

/** The error for a script that took too long. */
export function timeoutFailure(
  output: ScriptOutput,
  { timeoutMs = 0 }: Limits,
  lineOffset: number,
): ScriptError {
  return new ScriptError(
    "script/timeout",
    `%${output.section} took longer than the ${timeoutMs / 1000} s of --timeout${output.place}`,
    {
      location: output.location(lineOffset),
      hint: "give it more time with --timeout; a program that waits for an answer gets none, so make it ask nothing",
      details: output.details,
    },
  );
}

function size(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value} ${units[unit]}`;
}

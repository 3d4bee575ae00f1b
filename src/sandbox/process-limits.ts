// What can be done for a limit where no control group can be made: limits of each process (prlimit(1), getrlimit(2)) and the
// processors that it may run on (taskset(1)). Less than was asked for, so it is said.

import { readdirSync, readFileSync } from "node:fs";
import { isInitialNamespace } from "../isolation/entry-mark.ts";
import { findProgram } from "../system/find-program.ts";
import { wantedLimits, type Limited, type Limits } from "./limits.ts";

export interface ProcessLimits {
  /** The start of an argument list whose rest runs with the limits. */
  readonly prefix: readonly string[];
  /** What the limits are kept to, one sentence for each that is not kept as it was asked for. */
  readonly shortfalls: readonly string[];
}

/**
 * @param kept the limits that a control group keeps
 * @param path where the host's programs are
 */
export function processLimits(
  limits: Limits,
  kept: readonly Limited[],
  path: string,
): ProcessLimits {
  const prlimit = findProgram("prlimit", path);
  const parts = wantedLimits(limits)
    .filter((kind) => !kept.includes(kind))
    .map((kind): ProcessLimits => {
      if (kind === "cpus") return processors(limits.cpus ?? 1, findProgram("taskset", path));
      if (prlimit === undefined) return none(`${names[kind]} is not limited: prlimit is missing`);
      if (kind === "memory") {
        return {
          prefix: [prlimit, `--as=${limits.memoryBytes}`, "--"],
          shortfalls: [
            "memory is limited for each process by itself, not for all of them together",
          ],
        };
      }
      // The kernel exempts the machine's root.
      if (process.geteuid?.() === 0 && isInitialNamespace()) {
        return none("the number of processes is not limited: no control group can be made for it");
      }
      const own = readdirSync("/proc/self/task").length;
      return {
        prefix: [prlimit, `--nproc=${(limits.processes ?? 0) + own}`, "--"],
        shortfalls: ["the number of processes is limited for each user of the image by itself"],
      };
    });
  return {
    prefix: parts.flatMap(({ prefix }) => prefix),
    shortfalls: parts.flatMap(({ shortfalls }) => shortfalls),
  };
}

const names: Readonly<Record<Exclude<Limited, "cpus">, string>> = {
  memory: "memory",
  processes: "the number of processes",
};

function none(shortfall: string): ProcessLimits {
  return { prefix: [], shortfalls: [shortfall] };
}

/** As many processors as the limit fills, of those that we may use. */
function processors(wanted: number, taskset: string | undefined): ProcessLimits {
  const allowed = allowedProcessors();
  const number = Math.ceil(wanted);
  if (number >= allowed.length && wanted >= allowed.length) return { prefix: [], shortfalls: [] };
  if (taskset === undefined) return none("processors are not limited: taskset is missing");
  return {
    prefix: [taskset, "--cpu-list", allowed.slice(0, number).join(",")],
    shortfalls: Number.isInteger(wanted)
      ? []
      : [`only whole processors can be given here: ${Math.min(number, allowed.length)}`],
  };
}

/** The numbers in a list such as `0-3,8`. */
function allowedProcessors(): number[] {
  const status = readFileSync("/proc/self/status", "latin1");
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

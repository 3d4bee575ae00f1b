// The options that say what scripts may take.

import { InvalidArgumentError, type Command } from "commander";
import type { Limits } from "../build/options.ts";
import { parseSize } from "./quantity.ts";

export interface LimitFlags {
  readonly memory?: number;
  readonly cpus?: number;
  readonly pids?: number;
  readonly timeout?: number;
}

/** Gives a command the options for limits. */
export function addLimitFlags(command: Command): void {
  command
    .option("--memory <size>", "the most memory of each script, as 512M or 2G", parseMemory)
    .option("--cpus <number>", "the most processors of each script, as 2 or 1.5", parseCpus)
    .option("--pids <number>", "the most processes and threads of each script", parsePids)
    .option("--timeout <time>", "the longest time of each script, as 90s, 10m or 2h", parseTimeout);
}

/** The limits that were given. */
export function limitsOf({ memory, cpus, pids, timeout }: LimitFlags): Limits {
  return { memoryBytes: memory, cpus, processes: pids, timeoutMs: timeout };
}

function parseMemory(text: string): number {
  const bytes = parseSize(text);
  // A shell and what starts it need a megabyte or two.
  if (bytes === undefined || bytes < 4 * 2 ** 20)
    throw new InvalidArgumentError("It is no size of 4M or more.");
  return bytes;
}

function parseCpus(text: string): number {
  const cpus = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || cpus < 0.01 || cpus > 100_000)
    throw new InvalidArgumentError("It is no number of 0.01 or more.");
  return cpus;
}

function parsePids(text: string): number {
  const pids = Number(text);
  // unshare, two shells and chroot are among them.
  if (!/^\d+$/.test(text) || pids < 8 || pids > 4_194_304)
    throw new InvalidArgumentError("It is no whole number of 8 or more.");
  return pids;
}

const unitMs: Readonly<Record<string, number>> = {
  "": 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds: a number of seconds, or numbers with d, h, m and s, as `1h30m`. */
export function parseTimeout(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([dhms]?)/gy)];
  const isWhole = parts.map(([part]) => part).join("") === text;
  const bare = parts.filter(([, , unit]) => unit === "").length;
  const timeMs = parts.reduce(
    (sum, [, number, unit = ""]) => sum + Number(number) * (unitMs[unit] ?? 0),
    0,
  );
  // A timer of Node's can't wait for longer.
  if (!isWhole || bare > (parts.length === 1 ? 1 : 0) || timeMs < 1 || timeMs > 0x7fff_ffff)
    throw new InvalidArgumentError("It is no time up to 24 days.");
  return timeMs;
}

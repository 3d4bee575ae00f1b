// What programs took of the machine, as the kernel counts it (getrusage(2), waitid(2)).
//
// struct rusage on 64-bit machines: user time (s, µs) at 0 and 8, system time at 16 and 24, the largest resident set in
// KiB at 32, blocks of 512 bytes that were written at 96; 144 bytes in all.

import { readFileSync, writeFileSync } from "node:fs";
import { cLibrary } from "./c-library.ts";

export interface ResourceUsage {
  /** Processor time, of all its processes together. */
  readonly cpuMs: number;
  /** The most memory that one process had at a time. Undefined where that can't be told. */
  readonly peakMemoryBytes: number | undefined;
  /** What was written to disks; what stayed in memory, in a tmpfs say, is not counted. */
  readonly writtenBytes: number;
}

const rusageBytes = 144;
const children = -1;

/** The numbers of waitid(2), by `process.arch`. */
const waitidNumbers: Readonly<Record<string, number>> = {
  x64: 247,
  arm64: 95,
  riscv64: 95,
  loong64: 95,
  ppc64: 272,
  s390x: 281,
};
const byPid = 1;
const peekAtEnded = 0x0100_0000 | 4 | 1; // WNOWAIT, WEXITED, WNOHANG

/** What a process has beyond the pages that were counted when it was started. */
const slackBytes = 2 ** 20;

/** How long a program takes at most from saying that it is about to end until it has ended. */
const endLimitMs = 300;

/**
 * What a program took with all that it waited for, to be called when it has said that it ends now: blocks until it has,
 * so that Node does not take its record away before. Undefined when that takes too long, or this machine can't tell.
 *
 * A program starts as a copy of this process, whose memory is counted as the program's from then on: less than that can't be
 * told.
 * @param startBytes the memory that this process had when it started the program (`ownMemoryBytes`)
 */
export function usageOfEnding(pid: number, startBytes: number): ResourceUsage | undefined {
  const number = waitidNumbers[process.arch];
  if (number === undefined) return undefined;
  const { libc } = cLibrary();
  const waitid = libc.func("syscall", "int64_t", [
    "int64_t",
    "int64_t",
    "int64_t",
    "void *",
    "int64_t",
    "void *",
  ]);
  const info = Buffer.alloc(128);
  const record = Buffer.alloc(rusageBytes);
  const started = performance.now();
  for (;;) {
    if (Number(waitid(number, byPid, pid, info, peekAtEnded, record)) !== 0) return undefined;
    if (info.readInt32LE(16) !== 0) {
      const usage = usageIn(record);
      const isKnown = (usage.peakMemoryBytes ?? 0) > startBytes + slackBytes;
      return isKnown ? usage : { ...usage, peakMemoryBytes: undefined };
    }
    if (performance.now() - started > endLimitMs) return undefined;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** The memory of this process that a program which it starts is a copy of at first (RssAnon in proc_pid_status(5)). */
export function ownMemoryBytes(): number {
  return statusBytes("RssAnon") ?? process.memoryUsage.rss();
}

/** Measures what this process takes from its making on. */
export class OwnUsage {
  readonly #before = process.resourceUsage();

  constructor() {
    // Lets the kernel forget the highest mark of our memory (proc_pid_clear_refs(5)).
    try {
      writeFileSync("/proc/self/clear_refs", "5");
    } catch {
      // Then the mark of the whole life counts.
    }
  }

  get taken(): ResourceUsage {
    const now = process.resourceUsage();
    const before = this.#before;
    const cpuMicroseconds =
      now.userCPUTime - before.userCPUTime + now.systemCPUTime - before.systemCPUTime;
    return {
      cpuMs: cpuMicroseconds / 1000,
      peakMemoryBytes: statusBytes("VmHWM") ?? now.maxRSS * 1024,
      writtenBytes: (now.fsWrite - before.fsWrite) * 512,
    };
  }
}

/** Measures what the children of this process take that end from its making on. */
export class ChildrenUsage {
  readonly #before = usageOfChildren();
  readonly #startBytes = ownMemoryBytes();

  /** The memory is known only where it is more than that of all children before, and than ours (`usageOfEnding`). */
  get taken(): ResourceUsage {
    const now = usageOfChildren();
    const before = this.#before;
    const { peakMemoryBytes: peak = 0 } = now;
    const floor = Math.max(before.peakMemoryBytes ?? 0, this.#startBytes + slackBytes);
    return {
      cpuMs: now.cpuMs - before.cpuMs,
      peakMemoryBytes: peak > floor ? peak : undefined,
      writtenBytes: now.writtenBytes - before.writtenBytes,
    };
  }
}

function usageOfChildren(): ResourceUsage {
  const { libc } = cLibrary();
  const record = Buffer.alloc(rusageBytes);
  libc.func("getrusage", "int", ["int", "void *"])(children, record);
  return usageIn(record);
}

function usageIn(record: Buffer): ResourceUsage {
  const word = (offset: number): number => Number(record.readBigInt64LE(offset));
  return {
    cpuMs: (word(0) + word(16)) * 1000 + (word(8) + word(24)) / 1000,
    peakMemoryBytes: word(32) * 1024,
    writtenBytes: word(96) * 512,
  };
}

function statusBytes(name: string): number | undefined {
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    const [, size] = new RegExp(`^${name}:\\s*(\\d+) kB$`, "m").exec(status) ?? [];
    return size === undefined ? undefined : Number(size) * 1024;
  } catch {
    return undefined;
  }
}

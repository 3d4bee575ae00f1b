import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Names one run of one process: a pid alone comes back, and means something only on its machine. */
export interface ProcessIdentity {
  /** Which machine and pid namespace the pid belongs to. */
  readonly host: string;
  /** Which start of that machine. */
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's. */
  readonly startTicks: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    host: shortHash(hostname() + readlinkOr("/proc/self/ns/pid")),
    boot: shortHash(readOr("/proc/sys/kernel/random/boot_id")),
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? "0",
  };
}

/** Whether a process that ran here is certainly gone. Of other machines' processes nothing is certain. */
export function isGone(identity: ProcessIdentity): boolean {
  const own = ownIdentity();
  if (identity.host !== own.host) return false;
  return identity.boot !== own.boot || startTicksOf(identity.pid) !== identity.startTicks;
}

/** Field 22 of /proc/PID/stat (proc_pid_stat(5)); undefined when there is no such process. */
function startTicksOf(pid: number): string | undefined {
  const stat = readOr(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses, and may hold anything.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

function readlinkOr(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return "";
  }
}

import { readFileSync } from "node:fs";
import type { Finding } from "./finding.ts";

/** Files that a build has open at a time, at least. */
const leastFiles = 256;
/** What an image may well have. */
const leastFileBytes = 2 ** 32;

/** Limits of this process that are too low for a build (proc_pid_limits(5)). */
export function tightLimits(
  text: string = readFileSync("/proc/self/limits", "latin1"),
): readonly Finding[] {
  const soft = (name: string): number => {
    const [, value] = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(text) ?? [];
    return value === undefined || value === "unlimited" ? Infinity : Number(value);
  };
  const files = soft("Max open files");
  const size = soft("Max file size");
  return [
    ...(files < leastFiles
      ? [found(`only ${files} files may be open at a time`, `-n ${leastFiles * 4}`)]
      : []),
    ...(size < leastFileBytes
      ? [found(`files may have ${size} bytes at most`, "-f unlimited")]
      : []),
  ];
}

function found(message: string, option: string): Finding {
  return {
    code: "host/process-limit",
    severity: "warning",
    message,
    hint: `raise it with ulimit ${option}, or have it raised in /etc/security/limits.conf`,
  };
}

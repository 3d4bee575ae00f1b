import { readFileSync } from "node:fs";

/** What the kernel allows this process, as it says itself. */
export interface KernelState {
  /** Nothing that this process starts can gain rights: set-id programs have no effect (PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges: boolean;
  /** A system call filter is loaded. */
  readonly isFiltered: boolean;
  /** The value of a setting below /proc/sys, by its name with dots; undefined where the kernel has no such. */
  setting(name: string): string | undefined;
}

/** Reads on demand: what is never asked for is never read. */
export function readKernelState(): KernelState {
  const status = readOrNothing("/proc/self/status");
  return {
    noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(status),
    isFiltered: /^Seccomp:\s*2$/m.test(status),
    setting: (name) => {
      const text = readOrNothing(`/proc/sys/${name.replaceAll(".", "/")}`).trim();
      return text === "" ? undefined : text;
    },
  };
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

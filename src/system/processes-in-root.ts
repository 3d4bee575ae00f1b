import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const limitMs = 2000;

/** The variable in which every script of the host is told where its root file system is; all that it starts inherits it. */
export const rootVariable = "APPTAINER_ROOTFS";

/**
 * Kills the processes whose root folder is this one, or that were started by a script for it, and waits until they are
 * gone: services that were left where no namespace ends them. Those that may not be looked at are not found.
 */
export async function killProcessesIn(rootFolder: string): Promise<void> {
  const started = performance.now();
  for (let found = processesIn(rootFolder); found.length > 0; found = processesIn(rootFolder)) {
    for (const pid of found) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone, or not ours.
      }
    }
    if (performance.now() - started > limitMs) return;
    await sleep(20);
  }
}

function processesIn(rootFolder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && (hasRoot(pid, rootFolder) || isFor(pid, rootFolder)));
}

function hasRoot(pid: number, rootFolder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/root`) === rootFolder;
  } catch {
    return false;
  }
}

function isFor(pid: number, rootFolder: string): boolean {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`;
    const value = Buffer.from(rootFolder).toString("latin1");
    return environment.includes(`\0${rootVariable}=${value}\0`);
  } catch {
    return false;
  }
}

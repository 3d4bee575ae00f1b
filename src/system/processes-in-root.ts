import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const limitMs = 2000;

/**
 * Kills the processes whose root folder is this one, and waits until they are gone: services that a script started in a
 * plain chroot, where no namespace ends them. Those that may not be looked at are not found.
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
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/root`) === rootFolder;
      } catch {
        return false;
      }
    });
}

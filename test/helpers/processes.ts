import { readFileSync, readdirSync } from "node:fs";

/** Whether a process runs. One that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat[stat.lastIndexOf(")") + 2] !== "Z";
  } catch {
    return false;
  }
}

/** The running processes of which that holds. @param holds may throw where a process has ended meanwhile */
function processesOf(holds: (pid: number) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return holds(pid) && isRunning(pid);
      } catch {
        return false;
      }
    });
}

/** The processes whose argument list holds the text. */
export const processesWith = (text: string): number[] =>
  processesOf((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(text));

/** The processes that a process has started and that run. */
export const childrenOf = (pid: number): number[] =>
  processesOf((candidate) => {
    const stat = readFileSync(`/proc/${candidate}/stat`, "latin1");
    // After the program's name: its state, its parent.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
  });

/** Waits until it holds. @throws after `limitMs` */
export async function eventually(holds: () => boolean, limitMs = 5000): Promise<void> {
  const started = performance.now();
  while (!holds()) {
    if (performance.now() - started > limitMs) throw new Error(`not so after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

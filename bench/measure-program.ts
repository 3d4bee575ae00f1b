import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What one run of a program cost, with all that it started. */
export interface Cost {
  readonly wallSeconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  /** The largest sum of resident sets that samples, 25 ms apart, saw. */
  readonly peakBytes: number;
  /** What went to file systems on disks. */
  readonly writtenBytes: number;
}

const sampleMs = 25;
const pageBytes = 4096;

/**
 * Runs a program to its end and says what it cost. Processor time and writes are what the kernel adds up for the shell
 * that waits for it, so a process that outlives the program is not in it.
 * @throws with the program's last words if it fails
 */
export async function measureProgram(
  argv: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Cost> {
  const folder = await mkdtemp(join(tmpdir(), "measure-"));
  try {
    const script =
      'folder=$1; shift; TIMEFORMAT="%R %U %S"; { time "$@" >"$folder/log" 2>&1; } 2>"$folder/times"; status=$?; cat /proc/$$/io >"$folder/io"; exit $status';
    const child = spawn("bash", ["-c", script, "bash", folder, ...argv], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "ignore", "inherit"],
    });
    let peakBytes = 0;
    const sampling = setInterval(() => {
      if (child.pid !== undefined) peakBytes = Math.max(peakBytes, residentBytes(child.pid));
    }, sampleMs);
    const [status] = (await once(child, "close")) as [number | null];
    clearInterval(sampling);
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    if (status !== 0) {
      throw new Error(`${argv.join(" ")} ended with ${status}:\n${read("log").slice(-2000)}`);
    }
    const [wall = NaN, user = NaN, system = NaN] = read("times").trim().split(" ").map(Number);
    return {
      wallSeconds: wall,
      cpuSeconds: user + system,
      peakBytes,
      writtenBytes: Number(/^write_bytes: (\d+)$/m.exec(read("io"))?.[1]),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Of a process and everything below it. What ends meanwhile counts nothing. */
function residentBytes(root: number): number {
  let bytes = 0;
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    bytes += Number(words(`/proc/${pid}/statm`)[1] ?? 0) * pageBytes;
    // Every thread has the children that it started itself; programs in Go start theirs from any thread.
    for (const thread of threadsOf(pid)) {
      pending.push(...words(`/proc/${pid}/task/${thread}/children`).map(Number));
    }
  }
  return bytes;
}

function words(file: string): string[] {
  try {
    return readFileSync(file, "latin1").split(" ").filter(Boolean);
  } catch {
    return [];
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plainUser } from "./plain-user.ts";
import { inContainer, inOpenContainer } from "./situations.ts";
import type { DriverAnswer, DriverRequest } from "./script-driver.ts";

const driver = join(import.meta.dirname, "script-driver.ts");

export interface RunningDriver {
  readonly child: ChildProcess;
  /** The next line that a script wrote as `TELL …`, or that the driver wrote to standard error. */
  nextLine(): Promise<string>;
  /** What was printed, once the driver has ended; undefined when it was killed. */
  readonly answer: Promise<DriverAnswer | undefined>;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** Where its temporary folders are made. */
  readonly folder: string;
}

/** Starts the driver as whom its way needs: root, or a plain user with or without a range of ids. */
export function startDriver(
  request: DriverRequest,
  environment: Readonly<Record<string, string>> = {},
): RunningDriver {
  const words = [process.execPath, "--no-warnings", driver, JSON.stringify(request)];
  const user = ["root", "chroot", "ident"].includes(request.way)
    ? undefined
    : plainUser(request.way === "single" ? "without ranges" : "with ranges");
  // A blank, since some folders have one. Each run has its own, so that what one leaves behind can be told from what another uses.
  const folder = request.folder ?? mkdtempSync(join(user?.folder ?? rootFolder(), "run -"));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o755);
  const settings = Object.entries({ TMPDIR: folder, ...environment }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const plain = ["env", ...settings, ...words];
  const command =
    request.way === "chroot"
      ? inContainer(plain)
      : request.way === "ident"
        ? inOpenContainer(plain)
        : (user?.command(request.nested === true ? [...nested, ...plain] : plain) ?? plain);
  const child = spawn(command[0] ?? "", command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  const waiting: ((line: string) => void)[] = [];
  const lines: string[] = [];
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
    for (let end = stderr.indexOf("\n"); end >= 0; end = stderr.indexOf("\n")) {
      const line = stderr.slice(0, end);
      stderr = stderr.slice(end + 1);
      const wanted = waiting.shift();
      if (wanted === undefined) lines.push(line);
      else wanted(line);
    }
  });
  const ended = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  return {
    child,
    folder,
    ended,
    nextLine: async () =>
      lines.shift() ??
      (await Promise.race([
        new Promise<string>((resolve) => {
          waiting.push(resolve);
        }),
        ended.then(() => {
          throw new Error(`the driver has ended: ${stderr}`);
        }),
      ])),
    answer: ended.then(() => {
      // A thread may have done what Node only warns of.
      const warning = lines.find((line) => /^\(node:\d+\).*Warning: /.test(line));
      if (warning !== undefined) throw new Error(warning);
      if (stdout !== "") return JSON.parse(stdout) as DriverAnswer;
      if (lines.length > 0) throw new Error(lines.join("\n"));
      return undefined;
    }),
  };
}

/** Root of a user namespace before the program starts, as in `unshare -r`. */
const nested = ["unshare", "--user", "--map-root-user", "--"];

let running: Promise<unknown> = Promise.resolve();

/** Runs the driver to its end, one at a time: ava starts all tests of a file at once. */
export async function runDriver(
  request: DriverRequest,
  environment: Readonly<Record<string, string>> = {},
): Promise<DriverAnswer> {
  const before = running;
  const run = before.then(() => startDriver(request, environment).answer);
  running = run.catch(() => {});
  const answer = await run;
  if (answer === undefined) throw new Error("the driver said nothing");
  return answer;
}

let made: string | undefined;

function rootFolder(): string {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
  chmodSync(folder, 0o755);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  made = folder;
  return folder;
}

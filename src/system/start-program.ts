import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { HostError } from "../model/error.ts";
import { atExit } from "./at-exit.ts";
import { makeRealPipe, type RealPipe } from "./real-pipe.ts";

/** How a program ended. */
export interface ProgramEnd {
  /** 0 to 255, or undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

export interface StartOptions {
  /** All of its environment; this process's own where it is not given. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly cwd?: string | undefined;
  /** `ignore` is /dev/null. */
  readonly stdin?: "ignore" | "inherit" | "pipe" | undefined;
  /** `inherit` hands on our own streams; `pipe` gives them as streams to read. */
  readonly output?: "ignore" | "inherit" | "pipe" | undefined;
  /** A folder, needed only for the start, that turns the output pipes into ones that can be opened as /dev/stderr. */
  readonly pipeFolder?: string | undefined;
  /** Further pipes, from file descriptor 3 on: what the program writes, or what it reads. */
  readonly pipes?: readonly ("read" | "write")[] | undefined;
  /** Open files of ours that it has as well: its descriptor (above those of `pipes`) → ours. */
  readonly descriptors?: Readonly<Record<number, number>> | undefined;
  /** A process group of its own: the terminal's Ctrl-C does not reach it, and it can be ended as a whole. */
  readonly ownGroup?: boolean | undefined;
}

export interface RunningProgram {
  readonly pid: number;
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** In the order of `pipes`. */
  readonly pipes: readonly (Readable & Writable)[];
  /** The program has ended; others that it started may still hold its pipes. */
  readonly ended: Promise<ProgramEnd>;
  /** To the program, and to its whole group if it has its own. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a program from an argument list; no shell looks at it.
 * @throws {HostError} `host/program-missing`, `host/program-start`
 */
export async function startProgram(
  command: readonly string[],
  options: StartOptions = {},
): Promise<RunningProgram> {
  const [program = "", ...args] = command;
  const output = options.output ?? "pipe";
  const real: RealPipe[] = [];
  if (output === "pipe" && options.pipeFolder !== undefined) {
    real.push(makeRealPipe(options.pipeFolder), makeRealPipe(options.pipeFolder));
  }
  const [out, err] = real;
  const stdio: Exclude<StdioOptions, string> = [
    options.stdin ?? "ignore",
    out?.writerFd ?? output,
    err?.writerFd ?? output,
    ...(options.pipes ?? []).map(() => "pipe" as const),
  ];
  for (const [theirs, descriptor] of Object.entries(options.descriptors ?? {})) {
    // What is left out is not opened.
    while (stdio.length < Number(theirs)) stdio.push("ignore");
    stdio[Number(theirs)] = descriptor;
  }
  const ownGroup = options.ownGroup === true;
  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      stdio,
      detached: ownGroup,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: { ...options.env } }),
    });
  } catch (error) {
    for (const pipe of real) pipe[Symbol.dispose]();
    throw startError(program, options.cwd, error);
  }
  for (const pipe of real) pipe.closeWriter();
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      for (const pipe of real) pipe[Symbol.dispose]();
      reject(startError(program, options.cwd, error));
    });
  });
  // Later errors are failed kills; who is gone needs none.
  child.on("error", () => {});
  const kill = (signal: NodeJS.Signals): void => {
    signalProcess(child, ownGroup, signal);
  };
  const guard = atExit(() => kill("SIGKILL"));
  void ended.then(() => guard[Symbol.dispose]());
  const pipes = child.stdio
    .slice(3, 3 + (options.pipes?.length ?? 0))
    .map((pipe) => pipe as unknown as Readable & Writable);
  // A program may die before it read or wrote: that shows in how it ended.
  for (const stream of [...pipes, child.stdin]) stream?.on("error", () => {});
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin ?? undefined,
    stdout: out?.reader ?? child.stdout ?? undefined,
    stderr: err?.reader ?? child.stderr ?? undefined,
    pipes,
    ended,
    kill,
  };
}

function signalProcess(child: ChildProcess, group: boolean, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  // A group outlives its leader as long as it has members.
  if (!group && (child.exitCode !== null || child.signalCode !== null)) return;
  try {
    process.kill(group ? -child.pid : child.pid, signal);
  } catch {
    // Already gone.
  }
}

function startError(program: string, cwd: string | undefined, error: unknown): HostError {
  const code = (error as NodeJS.ErrnoException).code;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === "ENOENT") {
    return new HostError(
      "host/program-missing",
      `can't start ${program}: there is no such program${cwd === undefined ? "" : `, or no folder ${cwd}`}`,
      { hint: `install ${program}, or put its folder into PATH`, cause: error },
    );
  }
  return new HostError("host/program-start", `can't start ${program}: ${reason}`, {
    hint:
      code === "E2BIG"
        ? "its arguments and environment are too long for one program; unset large variables"
        : undefined,
    cause: error,
  });
}

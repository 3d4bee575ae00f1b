import type { Readable } from "node:stream";
import { setImmediate as immediately, setTimeout as sleep } from "node:timers/promises";
import { LineSplitter } from "./line-splitter.ts";
import {
  startProgram,
  type ProgramEnd,
  type RunningProgram,
  type StartOptions,
} from "./start-program.ts";

export type { ProgramEnd } from "./start-program.ts";

export type OutputStream = "stdout" | "stderr";

export interface RunOptions extends Pick<
  StartOptions,
  "env" | "cwd" | "pipeFolder" | "descriptors"
> {
  /** What it reads from standard input; nothing (/dev/null) where it is not given. */
  readonly input?: string | Uint8Array | undefined;
  /** Told of each line as it comes, without its line feed. */
  readonly onLine?: ((stream: OutputStream, line: string) => void) | undefined;
  /** Ends the program and all that it started: SIGTERM, and SIGKILL when that does not help. */
  readonly signal?: AbortSignal | undefined;
  /** Ends it like `signal` when it takes longer; the end then shows the signal. */
  readonly timeoutMs?: number | undefined;
  /**
   * Its file descriptors from 3 on: bytes for it to read; `tell`, what it writes is told to `onPipe`; `hold`, nothing, but
   * the end comes when we end, however that happens.
   */
  readonly pipes?: readonly (Uint8Array | "tell" | "hold")[] | undefined;
  readonly onPipe?: ((index: number, bytes: Buffer) => void) | undefined;
  /** Told of the program as soon as it runs. */
  readonly onStart?: ((program: RunningProgram) => void) | undefined;
}

/** What an interrupted program gets to clean up before SIGKILL. */
const graceMs = 3000;

/** When a program has ended and something that it started holds its pipe: how long a silence ends the waiting. */
const silenceMs = 100;
const longestDrainMs = 5000;

/**
 * Runs a program in a process group of its own and waits for its end, whatever that is: a status other than 0 is an
 * answer, not an exception. Nothing of its group is left afterwards.
 * @throws the signal's reason, once everything of the program is gone
 * @throws {HostError} `host/program-missing`, `host/program-start`
 */
export async function runProgram(
  command: readonly string[],
  options: RunOptions = {},
): Promise<ProgramEnd> {
  options.signal?.throwIfAborted();
  const program = await startProgram(command, {
    env: options.env,
    cwd: options.cwd,
    pipeFolder: options.pipeFolder,
    descriptors: options.descriptors,
    stdin: options.input === undefined ? "ignore" : "pipe",
    output: options.onLine === undefined ? "ignore" : "pipe",
    pipes: options.pipes?.map((pipe) => (pipe === "tell" ? "read" : "write")),
    ownGroup: true,
  });
  options.onStart?.(program);
  const ends = [
    endOfLines(program.stdout, (line) => options.onLine?.("stdout", line)),
    endOfLines(program.stderr, (line) => options.onLine?.("stderr", line)),
  ];
  options.pipes?.forEach((wanted, index) => {
    const pipe = program.pipes[index];
    if (wanted instanceof Uint8Array) pipe?.end(wanted);
    else if (wanted === "tell" && pipe !== undefined) {
      ends.push(endOf(pipe));
      pipe.on("data", (data: Buffer) => options.onPipe?.(index, data));
    }
  });
  if (options.input !== undefined) program.stdin?.end(options.input);

  const killers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    program.kill("SIGTERM");
    killers.push(setTimeout(() => program.kill("SIGKILL"), graceMs));
  };
  if (options.timeoutMs !== undefined) killers.push(setTimeout(stop, options.timeoutMs));
  options.signal?.addEventListener("abort", stop, { once: true });
  // The signal may have come while the program was being started.
  if (options.signal?.aborted === true) stop();
  let end: ProgramEnd;
  try {
    end = await program.ended;
    await Promise.race([Promise.all(ends), silence([program.stdout, program.stderr])]);
  } finally {
    for (const timer of killers) clearTimeout(timer);
    options.signal?.removeEventListener("abort", stop);
    program.kill("SIGKILL");
    for (const stream of [program.stdout, program.stderr, ...program.pipes]) stream?.destroy();
  }
  options.signal?.throwIfAborted();
  return end;
}

export interface CapturedProgram extends ProgramEnd {
  /** All of its output, as text with its line ends. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program whose output is short and wanted as a whole. As `runProgram` otherwise. */
export async function captureProgram(
  command: readonly string[],
  options: Omit<RunOptions, "onLine"> = {},
): Promise<CapturedProgram> {
  const texts = { stdout: "", stderr: "" };
  const end = await runProgram(command, {
    ...options,
    onLine: (stream, line) => {
      texts[stream] += `${line}\n`;
    },
  });
  return { ...end, ...texts };
}

/** Until nothing comes any more. */
async function silence(streams: readonly (Readable | undefined)[]): Promise<void> {
  let heard = true;
  const listen = (): void => {
    heard = true;
  };
  for (const stream of streams) stream?.on("data", listen);
  const started = performance.now();
  while (heard && performance.now() - started < longestDrainMs) {
    heard = false;
    await sleep(silenceMs);
    // A timer that is late runs before what waits to be read.
    await immediately();
    await immediately();
  }
  for (const stream of streams) stream?.off("data", listen);
}

function endOfLines(stream: Readable | undefined, onLine: (line: string) => void): Promise<void> {
  if (stream === undefined) return Promise.resolve();
  const splitter = new LineSplitter(onLine);
  stream.on("data", (bytes: Buffer) => splitter.write(bytes));
  return endOf(stream).then(() => splitter.end());
}

function endOf(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once("close", resolve);
    stream.once("end", resolve);
    stream.once("error", () => resolve());
  });
}

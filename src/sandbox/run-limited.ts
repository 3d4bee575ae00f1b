import type { StepUsage } from "../model/event.ts";
import { closeDescriptorsOnExec } from "../system/close-on-exec.ts";
import { ChildrenUsage, ownMemoryBytes, usageOfEnding } from "../system/resource-usage.ts";
import { runProgram, type ProgramEnd, type RunOptions } from "../system/run-program.ts";
import type { RunningProgram } from "../system/start-program.ts";
import { ControlGroups } from "./control-group.ts";
import { limitFailure, likelyLimit, timeoutFailure } from "./limit-failure.ts";
import type { Limits } from "./limits.ts";
import { processLimits } from "./process-limits.ts";
import type { ScriptOutput } from "./script-failure.ts";

/** What goes on in a build and is told to whoever listens. */
export interface RunEvents {
  readonly onWarning?: ((code: string, message: string, hint?: string) => void) | undefined;
  /** Told what the script took, however it ended. */
  readonly onUsage?: ((usage: StepUsage) => void) | undefined;
}

export interface LimitedRun extends RunEvents {
  readonly limits: Limits;
  /** Where the host's programs are. */
  readonly path: string;
  readonly output: ScriptOutput;
  readonly lineOffset?: number;
  readonly signal: AbortSignal;
  /** Told of each word on file descriptor 3 (`Isolation.commandLine`). */
  readonly onWord?: (word: string) => void;
  /** Told the whole argument list before it is started. */
  readonly onCommandLine?: (command: readonly string[]) => void;
  /** What file descriptor 5 starts with. */
  readonly secretLines?: Uint8Array | undefined;
  readonly run: Pick<RunOptions, "env" | "cwd" | "pipeFolder" | "descriptors" | "onLine">;
  readonly onStart?: (program: RunningProgram) => void;
}

/**
 * Runs a script's command line, keeps it to its limits, and measures what it takes. What it leaves running is ended as
 * far as a process group or a control group reaches.
 * @throws {ScriptError} `script/timeout`, `script/memory`, `script/processes`
 * @throws the signal's reason, {HostError} as `runProgram`
 */
export async function runLimited(
  command: readonly string[],
  wanted: LimitedRun,
): Promise<ProgramEnd> {
  const { limits, output, signal, lineOffset = 0 } = wanted;
  // What we were started with, an open file of the shell's say, is no business of a script.
  closeDescriptorsOnExec();
  await using groups = await ControlGroups.create(limits);
  const own = processLimits(limits, groups.kinds, wanted.path);
  for (const message of own.shortfalls) {
    wanted.onWarning?.(
      "host/limit-not-kept",
      message,
      "tsbuild doctor says what control groups need here",
    );
  }
  const line = [...groups.prefix, ...own.prefix, ...command];
  wanted.onCommandLine?.(line);

  const timeout = new AbortController();
  const timer =
    limits.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          // Where it was, before it is ended and says so.
          timeout.abort(timeoutFailure(output, limits, lineOffset));
        }, limits.timeoutMs);
  const children = new ChildrenUsage();
  const startBytes = ownMemoryBytes();
  const measured: { usage?: ReturnType<typeof usageOfEnding> } = {};
  let program: RunningProgram | undefined;
  let end: ProgramEnd;
  const words = new WordReader((word) => {
    if (word === "done") {
      program?.pipes[2]?.write("go\n");
      measured.usage = program && usageOfEnding(program.pid, startBytes);
    } else wanted.onWord?.(word);
  });
  try {
    end = await runProgram(line, {
      ...wanted.run,
      signal: AbortSignal.any([signal, timeout.signal]),
      pipes: ["tell", "hold", "hold"],
      onPipe: (_, bytes) => words.take(bytes),
      onStart: (started) => {
        program = started;
        if (wanted.secretLines !== undefined) started.pipes[2]?.write(wanted.secretLines);
        wanted.onStart?.(started);
      },
    });
  } finally {
    clearTimeout(timer);
    wanted.onUsage?.({
      ...(measured.usage ?? children.taken),
      groupPeakBytes: groups.peakMemoryBytes,
    });
  }
  const { hit } = groups;
  if (end.exitCode === 0) {
    if (hit !== undefined && hit !== "cpus") warnOfHit(wanted, hit);
    return end;
  }
  const reached = hit ?? likelyLimit(limits, groups.kinds, output.details);
  if (reached !== undefined) throw limitFailure(reached, output, limits, end, lineOffset);
  return end;
}

function warnOfHit({ onWarning, limits, output }: LimitedRun, hit: "memory" | "processes"): void {
  const { code, message, hint } = limitFailure(hit, output, limits, undefined, 0);
  onWarning?.(code, message, hint);
}

/** Lines that come in pieces. */
class WordReader {
  #rest = "";
  readonly #onWord: (word: string) => void;

  constructor(onWord: (word: string) => void) {
    this.#onWord = onWord;
  }

  take(bytes: Buffer): void {
    const lines = (this.#rest + bytes.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#onWord(line);
  }
}

import type { BuildEvent, Listener } from "../model/event.ts";
import { levelLine, type Verbosity } from "./message-level.ts";
import type { Progress } from "./progress-line.ts";
import { isolationText } from "./isolation-text.ts";
import { formatElapsed, formatSize } from "./quantity.ts";
import type { Output } from "./terminal.ts";
import { stepText } from "./step-text.ts";
import { warningText } from "./warning-text.ts";

/** Where the lines go: what scripts print on their standard output has its own place. */
export interface Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

const silenceMs = 20_000;

/**
 * A listener that writes lines, for pipes and log files, in the form of Apptainer's messages. What scripts print is passed
 * on as it is whatever the verbosity, as in Apptainer: their standard output to ours, their standard error to ours.
 * Warnings come once more at the end, where they are seen. A long download says how far it is when nothing else was said
 * for a while: some systems end a job that is silent.
 */
export function lineListener(
  { stdout, stderr }: Outputs,
  verbosity: Verbosity,
  now: () => number = () => performance.now(),
): Listener {
  const isShown = {
    WARNING: verbosity !== "silent",
    INFO: verbosity === "normal" || verbosity === "verbose",
    VERBOSE: verbosity === "verbose",
  };
  const warnings: string[] = [];
  let steps = 0;
  /** Whether something came after the first warning and may have pushed it out of sight. */
  let hasMovedOn = false;
  let saidMs = now();
  const write = (output: Output, text: string) => {
    output.write(`${text}\n`);
    saidMs = now();
  };
  const say = (level: keyof typeof isShown, text: string) => {
    if (!isShown[level]) return;
    hasMovedOn ||= level !== "WARNING" && warnings.length > 0;
    write(stderr, levelLine(level, text));
  };

  return (event: BuildEvent): void => {
    switch (event.type) {
      case "build-start":
        steps = event.steps;
        return say("INFO", `Starting build of ${event.target} from ${event.spec}`);
      case "isolation":
        return say("INFO", isolationText(event));
      case "step-start":
        return say("INFO", `[${event.step}/${steps}] ${event.title}`);
      case "step-output":
        hasMovedOn ||= warnings.length > 0;
        return write(event.stream === "stdout" ? stdout : stderr, event.line);
      case "command":
        return say("VERBOSE", `Running ${event.command}`);
      case "step-end":
        return say("VERBOSE", `[${event.step}/${steps}] ${stepText(event)}`);
      case "progress":
        if (event.done === event.total) return say("VERBOSE", progressText(event));
        if (now() - saidMs >= silenceMs) say("INFO", progressText(event));
        return;
      case "note":
        return say("INFO", event.message);
      case "warning":
        warnings.push(warningText(event, verbosity));
        return say("WARNING", warningText(event, verbosity));
      case "build-end":
        if (hasMovedOn) repeat(warnings, say);
        say("INFO", `${formatSize(event.sizeBytes)} in ${formatElapsed(event.elapsedMs)}`);
        return say("INFO", `Build complete: ${event.target}`);
      default:
        return event satisfies never;
    }
  };
}

function repeat(warnings: readonly string[], say: (level: "WARNING", text: string) => void): void {
  const [first] = warnings;
  if (first === undefined) return;
  if (warnings.length === 1) return say("WARNING", `Once more: ${first}`);
  say("WARNING", `${warnings.length} warnings in this build:`);
  for (const warning of warnings) say("WARNING", warning);
}

function progressText({ task, done, total, unit }: Progress): string {
  const amount = (value: number) => (unit === "bytes" ? formatSize(value) : `${value} entries`);
  const of = total === undefined || total === done ? "" : ` of ${amount(total)}`;
  return `${task}: ${amount(done)}${of}`;
}

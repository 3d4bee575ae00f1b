import type { BuildEvent, Listener } from "../model/event.ts";
import { levelLine, type Verbosity } from "./message-level.ts";
import { formatElapsed, formatSize } from "./quantity.ts";
import type { Output } from "./terminal.ts";
import { warningText } from "./warning-text.ts";

/** Where the lines go: what scripts print on their standard output has its own place. */
export interface Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

/**
 * A listener that writes lines, for pipes and log files, in the form of Apptainer's messages. What scripts print is passed
 * on as it is whatever the verbosity, as in Apptainer: their standard output to ours, their standard error to ours.
 * Warnings come once more at the end, where they are seen.
 */
export function lineListener({ stdout, stderr }: Outputs, verbosity: Verbosity): Listener {
  const isShown = {
    WARNING: verbosity !== "silent",
    INFO: verbosity === "normal" || verbosity === "verbose",
    VERBOSE: verbosity === "verbose",
  };
  const say = (level: keyof typeof isShown, text: string) => {
    if (isShown[level]) stderr.write(`${levelLine(level, text)}\n`);
  };
  const warnings: string[] = [];
  let steps = 0;
  let saidSinceWarning = false;

  return (event: BuildEvent): void => {
    if (event.type !== "warning" && event.type !== "build-end") saidSinceWarning = true;
    switch (event.type) {
      case "build-start":
        steps = event.steps;
        return say("INFO", `Starting build of ${event.target} from ${event.spec}`);
      case "step-start":
        return say("INFO", `[${event.step}/${steps}] ${event.title}`);
      case "step-output":
        return void (event.stream === "stdout" ? stdout : stderr).write(`${event.line}\n`);
      case "command":
        return say("VERBOSE", `Running ${event.command}`);
      case "step-end":
        return say("VERBOSE", `[${event.step}/${steps}] took ${formatElapsed(event.elapsedMs)}`);
      case "progress":
        if (event.done !== event.total) return;
        return say("VERBOSE", `${event.task}: ${amount(event.done, event.unit)}`);
      case "note":
        return say("INFO", event.message);
      case "warning":
        saidSinceWarning = false;
        warnings.push(warningText(event));
        return say("WARNING", warningText(event));
      case "build-end":
        if (saidSinceWarning || warnings.length > 1) repeat(warnings, say);
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

const amount = (done: number, unit: "bytes" | "entries") =>
  unit === "bytes" ? formatSize(done) : `${done} entries`;

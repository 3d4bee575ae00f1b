import type { TextEncoding } from "../model/definition.ts";
import type { BuildOptions } from "./options.ts";
import type { BuildRun } from "./run-plan.ts";

interface ScriptOptions {
  readonly encoding: TextEncoding;
  readonly environment: BuildOptions["environment"];
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
  readonly onCommand: (command: string) => void;
  readonly signal: AbortSignal;
}

/** What is the same for every script of a build. */
export function scriptOptions({ options, plan, step }: BuildRun): ScriptOptions {
  const { listener, environment, signal } = options;
  return {
    encoding: plan.encoding,
    environment,
    onLine: (stream, line) => listener({ type: "step-output", step, stream, line }),
    onCommand: (command) => listener({ type: "command", step, command }),
    signal,
  };
}

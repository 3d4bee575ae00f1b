import type { TextEncoding } from "../model/definition.ts";
import type { SandboxRunOptions } from "../sandbox/sandbox.ts";
import type { BuildOptions } from "./options.ts";
import type { BuildRun } from "./run-plan.ts";

interface ScriptOptions extends Pick<
  SandboxRunOptions,
  "limits" | "mask" | "onUsage" | "onWarning"
> {
  readonly encoding: TextEncoding;
  readonly environment: BuildOptions["environment"];
  readonly onLine: (stream: "stdout" | "stderr", line: string) => void;
  readonly onCommand: (command: string) => void;
  readonly signal: AbortSignal;
}

/** What is the same for every script of a build. */
export function scriptOptions(run: BuildRun): ScriptOptions {
  const { options, plan, step } = run;
  const { listener, environment, limits = {}, mask = (text) => text, signal } = options;
  return {
    limits,
    mask,
    onWarning: (code, message, hint) => listener({ type: "warning", code, message, hint }),
    onUsage: (usage) => {
      run.scriptUsage = usage;
    },
    encoding: plan.encoding,
    environment,
    onLine: (stream, line) => listener({ type: "step-output", step, stream, line }),
    onCommand: (command) => listener({ type: "command", step, command }),
    signal,
  };
}

// What a build tells while it runs: plain data for whoever listens.

import type { Location } from "./location.ts";

export type BuildEvent =
  | {
      readonly type: "build-start";
      readonly target: string;
      readonly spec: string;
      readonly steps: number;
    }
  /** How scripts are run: told before the build starts, if it has any. */
  | {
      readonly type: "isolation";
      /** A name for `--isolation`. */
      readonly way: string;
      readonly summary: string;
      /** What can't be had that way, one sentence each. */
      readonly losses: readonly string[];
    }
  /** Steps count from 1 over all stages. */
  | { readonly type: "step-start"; readonly step: number; readonly title: string }
  | {
      readonly type: "step-output";
      readonly step: number;
      readonly stream: "stdout" | "stderr";
      readonly line: string;
    }
  /** The command line of a script, to be pasted into a shell. */
  | { readonly type: "command"; readonly step: number; readonly command: string }
  | {
      readonly type: "step-end";
      readonly step: number;
      readonly elapsedMs: number;
      readonly usage?: StepUsage | undefined;
    }
  /** How far one piece of work is, a layer's download say; `total` is missing where it is not known. */
  | {
      readonly type: "progress";
      readonly task: string;
      readonly done: number;
      readonly total?: number | undefined;
      readonly unit: "bytes" | "entries";
    }
  /** Something that the user may want to know. */
  | { readonly type: "note"; readonly message: string }
  | {
      readonly type: "warning";
      readonly code: string;
      readonly message: string;
      readonly location?: Location | undefined;
      readonly hint?: string | undefined;
    }
  | {
      readonly type: "build-end";
      readonly target: string;
      readonly sizeBytes: number;
      readonly elapsedMs: number;
    };

/** What a step took of the machine. */
export interface StepUsage {
  /** Processor time, of all its processes together. */
  readonly cpuMs: number;
  /**
   * The most memory that one process had at a time: of a script where the step runs one, else of tsbuild. Undefined for a
   * script that needed less than tsbuild itself.
   */
  readonly peakMemoryBytes: number | undefined;
  /** The most that all processes of a script had together, where `--memory` made something count it. */
  readonly groupPeakBytes?: number | undefined;
  /** What was written to disks. */
  readonly writtenBytes: number;
}

/** A user interface is a function that is told events. It never answers, so it can't change a build. */
export type Listener = (event: BuildEvent) => void;

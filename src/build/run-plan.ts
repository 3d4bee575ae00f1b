// Runs a plan: each step announced, run, announced again. What a kind of step does is in its own file.

import type { StepUsage } from "../model/event.ts";
import type { BuildPlan, Step } from "../model/plan.ts";
import { OwnUsage, type ResourceUsage } from "../system/resource-usage.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import type { BuildOptions } from "./options.ts";
import { newStage, type StageState } from "./stage.ts";
import { describeStep } from "./describe-step.ts";
import { runners } from "./steps.ts";

export interface BuildResult {
  readonly target: string;
  readonly sizeBytes: number;
  readonly elapsedMs: number;
}

/** What every step may use. */
export interface BuildRun {
  readonly plan: BuildPlan;
  readonly options: BuildOptions;
  readonly stages: readonly StageState[];
  /** This build's own folder, gone when the build ends. */
  readonly temporaryFolder: string;
  /** Counts from 1 over all stages. */
  readonly step: number;
  /** What the finished target takes, set by the step that packs. */
  sizeBytes: number;
  /** What the step's script took, set by the step that runs one. */
  scriptUsage: StepUsage | undefined;
}

/**
 * Builds what the plan says. The target appears whole at the end or not at all.
 * @throws {TsbuildError} whatever went wrong, with its place in the definition where there is one
 */
export async function runPlan(plan: BuildPlan, options: BuildOptions): Promise<BuildResult> {
  const started = performance.now();
  const { listener, signal, target } = options;
  const targetName = options.targetName ?? target;
  const steps = plan.stages.flatMap(({ steps }, index) => steps.map((step) => ({ step, index })));
  listener({ type: "build-start", target: targetName, spec: plan.file, steps: steps.length });

  await using temporary = await TemporaryFolder.create(options.temporaryParent, {
    keep: options.keepTemporary,
  });
  const stages = plan.stages.map(({ index, name }) => newStage(index, name));
  let sizeBytes = 0;
  try {
    for (const [done, { step, index }] of steps.entries()) {
      signal.throwIfAborted();
      const stage = stages[index];
      if (stage === undefined) throw new Error(`the plan has no stage ${index}`);
      const run: BuildRun = {
        plan,
        options,
        stages,
        temporaryFolder: temporary.folder,
        step: done + 1,
        sizeBytes,
        scriptUsage: undefined,
      };
      const stepStarted = performance.now();
      const own = new OwnUsage();
      listener({ type: "step-start", step: run.step, title: describeStep(step, plan, index) });
      await runStep(step, stage, run);
      sizeBytes = run.sizeBytes;
      listener({
        type: "step-end",
        step: run.step,
        elapsedMs: performance.now() - stepStarted,
        usage: stepUsage(own.taken, run.scriptUsage),
      });
    }
  } finally {
    for (const stage of stages) {
      if (!options.keepTemporary) await stage.sandbox?.[Symbol.asyncDispose]();
      await stage.base?.dispose?.();
    }
  }
  const elapsedMs = performance.now() - started;
  listener({ type: "build-end", target: targetName, sizeBytes, elapsedMs });
  return { target, sizeBytes, elapsedMs };
}

function stepUsage(own: ResourceUsage, script: StepUsage | undefined): StepUsage {
  if (script === undefined) return own;
  return {
    ...script,
    cpuMs: own.cpuMs + script.cpuMs,
    writtenBytes: own.writtenBytes + script.writtenBytes,
  };
}

async function runStep(step: Step, stage: StageState, run: BuildRun): Promise<void> {
  // The list has a runner for each kind; that the step fits its runner is beyond what the checker can see.
  const runner = runners[step.kind] as (
    step: Step,
    stage: StageState,
    run: BuildRun,
  ) => Promise<void>;
  await runner(step, stage, run);
}

import { copyFromStage } from "../copy/copy-from-stage.ts";
import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** `%files from STAGE`: out of a finished stage's tree. Of several stages of the same name the first is meant. */
export async function copyFromStageStep(
  step: Extract<Step, { kind: "copy-from-stage" }>,
  stage: StageState,
  { options, plan, stages }: BuildRun,
): Promise<void> {
  const from = stages.find(({ name }) => name === step.stage);
  if (from === undefined) throw new Error(`the plan copies from the unknown stage ${step.stage}`);
  const { warnings } = await copyFromStage(stage.tree, from.tree, step.lines, {
    timeSeconds: options.time.seconds,
    encoding: plan.encoding,
    environment: options.environment,
  });
  for (const { code, message } of warnings) options.listener({ type: "warning", code, message });
}

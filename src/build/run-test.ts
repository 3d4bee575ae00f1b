import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import { writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/** `%test`, as the image has it, on the finished root file system, which it can't change. */
export async function runTest(
  step: Extract<Step, { kind: "run-test" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options } = run;
  const sandbox = await writtenSandbox(stage, run);
  await sandbox.run(step.script, {
    ...scriptOptions(run),
    binds: options.binds,
    network: options.network,
    writableTmpfs: options.writableTmpfs,
  });
}

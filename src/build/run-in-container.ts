import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import { writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/** `%post`, with the root file system on disk; what it left there is the stage's tree afterwards. */
export async function runInContainer(
  step: Extract<Step, { kind: "run-in-container" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options } = run;
  const sandbox = await writtenSandbox(stage, run);
  await sandbox.run(step.script, {
    ...scriptOptions(run),
    binds: options.binds,
    network: options.network,
    writableTmpfs: false,
  });
  stage.tree = await sandbox.read(options.signal);
}

import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import { writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/**
 * `%post` and `%test`, with the root file system on disk. What `%post` left there is the stage's tree afterwards; `%test`
 * runs as the image has it and can't change anything.
 */
export async function runInContainer(
  step: Extract<Step, { kind: "run-in-container" | "run-test" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options } = run;
  const isTest = step.kind === "run-test";
  const sandbox = await writtenSandbox(stage, run);
  await sandbox.run(step.script, {
    ...scriptOptions(run),
    binds: options.binds,
    drivers: options.drivers,
    network: options.network,
    secrets: options.secrets ?? [],
    writableTmpfs: isTest && options.writableTmpfs,
  });
  if (!isTest) stage.tree = await sandbox.read(options.signal);
}

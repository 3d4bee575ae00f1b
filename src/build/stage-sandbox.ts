import { Sandbox } from "../sandbox/sandbox.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** The stage's sandbox, made when first asked for, with nothing in it yet. */
export async function sandboxOf(stage: StageState, run: BuildRun): Promise<Sandbox> {
  stage.sandbox ??= await Sandbox.create({
    temporaryFolder: run.temporaryFolder,
    isolation: run.options.isolation,
  });
  return stage.sandbox;
}

/** The stage's sandbox with all of the stage's tree on disk. */
export async function writtenSandbox(stage: StageState, run: BuildRun): Promise<Sandbox> {
  const sandbox = await sandboxOf(stage, run);
  await sandbox.write(stage.tree, run.options.signal);
  return sandbox;
}

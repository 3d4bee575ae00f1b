import { readFolder } from "../folder/read-folder.ts";
import { writeApps } from "../layout/apps.ts";
import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/**
 * `--update`: the stage starts from the sandbox as it is, without the base layout. The target is made anew beside
 * it, so a build that fails leaves the old one as it was.
 */
export async function takeSandbox(
  step: Extract<Step, { kind: "take-sandbox" }>,
  stage: StageState,
  { options }: BuildRun,
): Promise<void> {
  stage.tree = await readFolder(step.folder);
  // What the definition's apps are, the next step says; those of the old one are not named any more.
  writeApps(stage.tree, [], { timeSeconds: options.time.seconds });
}

import { readFolder } from "../folder/read-folder.ts";
import type { Step } from "../model/plan.ts";
import type { StageState } from "./stage.ts";

/**
 * `--update`: the stage starts from the sandbox as it is, without a base layout of ours. The target is made anew beside
 * it, so a build that fails leaves the old one as it was.
 */
export async function takeSandbox(
  step: Extract<Step, { kind: "take-sandbox" }>,
  stage: StageState,
): Promise<void> {
  stage.tree = await readFolder(step.folder);
}

import type { Step } from "../model/plan.ts";
import { copyAppFiles } from "../copy/copy-app-files.ts";
import { writeApps } from "../layout/apps.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** The SCIF trees of the apps and what `%appfiles` copies into them. */
export async function addApps(
  step: Extract<Step, { kind: "add-apps" }>,
  stage: StageState,
  { options, plan }: BuildRun,
): Promise<void> {
  writeApps(stage.tree, step.apps, {
    timeSeconds: options.time.seconds,
    encoding: plan.encoding,
  });
  for (const app of step.apps) {
    await copyAppFiles(stage.tree, app, {
      folder: options.folder,
      timeSeconds: options.time.seconds,
      encoding: plan.encoding,
    });
  }
}

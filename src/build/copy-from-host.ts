import { copyFromHost } from "../copy/copy-from-host.ts";
import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** `%files` from this machine, into the tree. */
export async function copyFromHostStep(
  step: Extract<Step, { kind: "copy-from-host" }>,
  stage: StageState,
  { options, plan }: BuildRun,
): Promise<void> {
  const { notes } = await copyFromHost(stage.tree, step.lines, {
    folder: options.folder,
    fallbackFolder: options.definitionFolder,
    environment: options.environment,
    timeSeconds: options.time.seconds,
    encoding: plan.encoding,
  });
  for (const message of notes) options.listener({ type: "note", message });
}

import { readNode } from "../contents/read-node.ts";
import { cleanUp } from "../layout/clean-up.ts";
import { writeMetadata } from "../layout/metadata.ts";
import type { Step } from "../model/plan.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** What the image says about itself, once `%post` is through. */
export async function writeMetadataStep(
  step: Extract<Step, { kind: "write-metadata" }>,
  stage: StageState,
  { options, plan }: BuildRun,
): Promise<void> {
  const { time, listener } = options;
  const warnings = await writeMetadata(
    stage.tree,
    {
      timeSeconds: time.seconds,
      texts: step.texts,
      stored: plan.definition,
      encoding: plan.encoding,
      labels: {
        time: { seconds: time.seconds, ...(time.isFixed ? { timeZone: "UTC" } : {}) },
        platform: plan.platform,
        builder: `tsbuild ${options.version}`,
        header: step.header,
        base: stage.base?.origin,
      },
      force: options.force,
    },
    readNode,
  );
  cleanUp(stage.tree);
  for (const { code, message } of warnings) listener({ type: "warning", code, message });
}

// The kinds of step and who runs them. To add one: a member of `Step`, its file, its line here.

import type { Step } from "../model/plan.ts";
import { addApps } from "./add-apps.ts";
import { bootstrap } from "./bootstrap.ts";
import { copyFromHostStep } from "./copy-from-host.ts";
import { copyFromStageStep } from "./copy-from-stage.ts";
import { pack } from "./pack.ts";
import { runInContainer } from "./run-in-container.ts";
import { runOnHost } from "./run-on-host.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";
import { takeSandbox } from "./take-sandbox.ts";
import { writeMetadataStep } from "./write-metadata.ts";

type StepOf<Kind extends Step["kind"]> = Extract<Step, { readonly kind: Kind }>;

/** Does one kind of step to a stage. */
export type StepRunner<Kind extends Step["kind"]> = (
  step: StepOf<Kind>,
  stage: StageState,
  run: BuildRun,
) => Promise<void>;

export const runners: { readonly [Kind in Step["kind"]]: StepRunner<Kind> } = {
  "run-on-host": runOnHost,
  bootstrap,
  "take-sandbox": takeSandbox,
  "add-apps": addApps,
  "copy-from-stage": copyFromStageStep,
  "copy-from-host": copyFromHostStep,
  "run-in-container": runInContainer,
  "write-metadata": writeMetadataStep,
  "run-test": runInContainer,
  pack,
};

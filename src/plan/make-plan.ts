// Definition → BuildPlan. Pure: what a build does can be shown, stored and compared before anything is done.

import { spellingOf } from "../definition/header-keywords.ts";
import type { Definition, HeaderField, Stage } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { BuildPlan, StagePlan, Step } from "../model/plan.ts";
import type { Platform } from "../model/platform.ts";
import { agentNames, findSource } from "../source/find-source.ts";
import type { SectionSwitch } from "./section-switch.ts";
import { stageSteps } from "./stage-steps.ts";

export interface PlanOptions {
  readonly platform: Platform;
  readonly format: "sif" | "sandbox";
  /** Which sections take effect (`--section`); the body of `%post` always does, as in Apptainer. */
  readonly sections: SectionSwitch;
  /** Whether `%test` is run; it is written to the image either way. */
  readonly runTests: boolean;
  /** The sandbox that `--update` starts the last stage from. */
  readonly update?: string | undefined;
}

export interface MadePlan {
  /** Absent when any diagnostic is an error. */
  readonly plan: BuildPlan | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * What a build of the definition will do: stages in the order of the file, in each the steps in Apptainer's true order.
 * Every stage's agent, its keywords and the order of stages are checked here, before anything runs; Apptainer finds
 * most of that only when the stage's turn comes.
 */
export function makePlan(definition: Definition, options: PlanOptions): MadePlan {
  const diagnostics: Diagnostic[] = [];
  const stages = definition.stages.map((stage): StagePlan => {
    const isLast = stage.index === definition.stages.length - 1;
    const updates = isLast && options.update !== undefined;
    if (!updates) diagnostics.push(...checkAgent(stage));
    const made = stageSteps(definition, stage, options, isLast);
    diagnostics.push(...made.diagnostics);
    return {
      index: stage.index,
      name: stage.name,
      header: stage.header.map(({ key, value }) => [key, value] as const),
      location: stage.location,
      updates,
      needsSandbox: made.steps.some(runsScriptOnRoot),
      steps: made.steps,
    };
  });
  if (diagnostics.some(({ severity }) => severity === "error"))
    return { plan: undefined, diagnostics };
  return {
    plan: {
      version: 1,
      file: definition.file,
      definition: definition.stored,
      encoding: definition.encoding,
      platform: options.platform,
      stages,
    },
    diagnostics,
  };
}

/** Some agents are programs that fill a folder. `%pre` runs before there is a root file system, so it alone does not need one on disk. */
function runsScriptOnRoot(step: Step): boolean {
  return (
    step.kind === "run-in-container" ||
    step.kind === "run-test" ||
    (step.kind === "run-on-host" && step.script.section === "setup") ||
    (step.kind === "bootstrap" && findSource(step.agent)?.runsPrograms === true)
  );
}

function checkAgent(stage: Stage): Diagnostic[] {
  const field = stage.header.find(({ key }) => key === "bootstrap");
  // The reader of definitions does not let a stage without an agent through.
  if (field === undefined) return [];
  const source = findSource(field.value);
  if (source === undefined) return [unknownAgent(field)];
  const missing = source.keywords.filter(
    ({ name, required }) =>
      required && !stage.header.some(({ key, value }) => key === name && value !== ""),
  );
  return missing.map(({ name, meaning }) => ({
    severity: "error",
    code: "definition/missing-keyword",
    message: `Bootstrap: ${field.value} needs the keyword ${spellingOf(name)}`,
    location: field.location,
    hint: `add a line "${spellingOf(name)}: …": ${meaning}`,
  }));
}

/** Who reads a definition with the list of agents at hand has been told already, with a better hint. */
function unknownAgent(field: HeaderField): Diagnostic {
  return {
    severity: "error",
    code: "definition/unknown-agent",
    message: `unknown agent ${field.value}`,
    location: field.valueLocation,
    hint: `agents are ${agentNames.join(", ")}`,
  };
}

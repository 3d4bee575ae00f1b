import type { BuildPlan, Step } from "../model/plan.ts";

/** What a step does, in a few words for people. */
export function describeStep(step: Step, plan: BuildPlan, stageIndex: number): string {
  const stage = plan.stages[stageIndex];
  const where = plan.stages.length > 1 ? ` [stage ${stage?.name ?? stageIndex + 1}]` : "";
  return `${words(step)}${where}`;
}

function words(step: Step): string {
  switch (step.kind) {
    case "run-on-host":
      return `Running %${step.script.section} on the host`;
    case "bootstrap": {
      const from = step.header["from"] ?? step.header["mirrorurl"] ?? step.header["include"];
      return `Bootstrapping from ${step.agent}${from === undefined ? "" : ` ${from}`}`;
    }
    case "take-sandbox":
      return `Taking the sandbox ${step.folder}`;
    case "add-apps":
      return `Adding the apps ${step.apps.map(({ name }) => name).join(", ")}`;
    case "copy-from-stage":
      return `Copying ${counted(step.lines.length)} from stage ${step.stage}`;
    case "copy-from-host":
      return `Copying ${counted(step.lines.length)} from the host`;
    case "run-in-container":
      return "Running %post";
    case "write-metadata":
      return "Writing metadata and scripts";
    case "run-test":
      return "Running %test";
    case "pack":
      return step.format === "sif" ? "Packing the SIF file" : "Putting the sandbox in place";
    default:
      return step satisfies never;
  }
}

const counted = (lines: number) => (lines === 1 ? "1 entry" : `${lines} entries`);

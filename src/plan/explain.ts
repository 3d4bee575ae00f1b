import type { CopyLine, PlanHere, Script, ScriptsHere, StagePlan, Step } from "../model/plan.ts";

/**
 * The text of `tsbuild plan`: every stage with its steps, each with its place in the definition, and how scripts are run
 * on this machine.
 */
export function explainPlan(plan: PlanHere): string {
  const { architecture, variant } = plan.platform;
  const lines = [
    `Plan for ${plan.file} (linux/${architecture}${variant === undefined ? "" : `/${variant}`})`,
  ];
  for (const stage of plan.stages) lines.push("", ...explainStage(stage, plan.stages.length));
  if (plan.here !== undefined) lines.push("", ...explainScripts(plan.here));
  return `${lines.join("\n")}\n`;
}

function explainScripts({ way, summary, losses, passedOver, refused }: ScriptsHere): string[] {
  const title =
    refused === undefined
      ? `On this machine scripts run ${summary} (${way})${losses.length === 0 ? "; nothing is lost" : ""}`
      : `On this machine scripts can't be run (${refused.code}): ${refused.message}`;
  return [
    title,
    ...(refused?.hint === undefined ? [] : [`  hint: ${refused.hint}`]),
    ...losses.map((loss) => `  lost: ${loss}`),
    ...passedOver.map((other) => `  not ${other.way}: ${other.reason}`),
  ];
}

function explainStage(stage: StagePlan, count: number): string[] {
  const title = count === 1 ? "Steps" : `Stage ${stage.name ?? stage.index + 1}`;
  const root = stage.needsSandbox
    ? "scripts run, so the root file system is unpacked into a sandbox"
    : "no script runs inside, so the root file system is never unpacked";
  return [
    `${title}: ${root}`,
    ...stage.steps.flatMap((step, index) => {
      const [first = "", ...more] = explainStep(step);
      return [`  ${index + 1}. ${first}`, ...more.map((line) => `     ${line}`)];
    }),
  ];
}

function explainStep(step: Step): string[] {
  switch (step.kind) {
    case "run-on-host":
      return [
        `%${step.script.section} on the host${at(step.script.location.line)}`,
        command(step.script),
      ];
    case "bootstrap":
      return [
        `bootstrap with ${step.agent}${at(step.location.line)}`,
        ...Object.entries(step.header)
          .filter(([key]) => key !== "bootstrap" && key !== "stage")
          .map(([key, value]) => `${key}: ${value}`),
      ];
    case "take-sandbox":
      return [`take the sandbox ${step.folder} as it is`];
    case "add-apps":
      return step.apps.map(
        (app) => `app ${app.name}: ${Object.keys(app.parts).join(", ")}${at(app.location.line)}`,
      );
    case "copy-from-stage":
      return [`copy from stage ${step.stage}${at(step.location.line)}`, ...step.lines.map(copied)];
    case "copy-from-host":
      return [`copy from the host${at(step.location.line)}`, ...step.lines.map(copied)];
    case "run-in-container":
      return [`%post in the container${at(step.script.location.line)}`, command(step.script)];
    case "write-metadata": {
      const texts = Object.entries(step.texts).filter(([, text]) => text !== undefined);
      return [
        `write the definition, labels${texts.map(([name]) => (name === "labels" ? "" : `, ${name}`)).join("")}`,
      ];
    }
    case "run-test":
      return [`%test in the container, read-only${at(step.script.location.line)}`];
    case "pack":
      return [step.format === "sif" ? "pack the SIF file" : "put the sandbox in place"];
    default:
      return step satisfies never;
  }
}

const at = (line: number) => ` (line ${line})`;

const copied = (line: CopyLine) => `${line.source} -> ${line.destination}`;

function command({ interpreter, body }: Script): string {
  const lines = body.split("\n").length - 1;
  const counted = lines === 1 ? "1 line" : `${lines} lines`;
  return interpreter.kind === "command"
    ? `/bin/sh -ex -c "${interpreter.text} SCRIPT" (${counted})`
    : `${["/bin/sh -ex", ...interpreter.words].join(" ")} SCRIPT (${counted})`;
}

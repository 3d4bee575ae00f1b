// A stage's sections as instructions, in the order in which they take effect, which is not that of the file: what the
// apps need, files from stages, files from the host, %post, and what containers have: environment, labels, scripts.

import { appsOf } from "../../definition/apps-of.ts";
import { splitAppCopyLines, splitCopyLines } from "../../definition/copy-lines.ts";
import { displayText } from "../../definition/display-text.ts";
import { scriptInterpreter } from "../../definition/script-interpreter.ts";
import { stageOf } from "../../definition/stage-of.ts";
import { placesOf } from "../../layout/apps.ts";
import type { Section, SectionName, Stage } from "../../model/definition.ts";
import type { ConvertOptions } from "../converted.ts";
import type { Losses } from "../losses.ts";
import { appInstructions, isPlainName } from "./app-instructions.ts";
import { copyInstruction, CopyTarget } from "./copy-instructions.ts";
import { environmentLines } from "./environment-lines.ts";
import { labelLines } from "./label-lines.ts";
import type { Marks } from "./marks.ts";
import { runScript, type RunContext } from "./run-script.ts";
import {
  environmentFile,
  environmentStarter,
  readEnvironment,
  startInstructions,
  testInstructions,
} from "./start-instructions.ts";
import { tellVariables } from "./tell-variables.ts";

export interface StageContext extends RunContext {
  readonly marks: Marks;
  readonly losses: Losses;
  readonly kindOf: ConvertOptions["kindOf"];
  readonly isFromScratch: boolean;
  readonly isLast: boolean;
  /** `--from` for the name of a stage that is built before this one. */
  readonly numberOf: (name: string) => string | undefined;
}

/** All instructions of a stage behind its FROM and ARGs. */
export function stageInstructions(stage: Stage, context: StageContext): string[] {
  const { marks, losses, isFromScratch, isLast } = context;
  const section = (name: SectionName) => stage.sections.find((found) => found.name === name);
  const apps = appInstructions(appsOf(stage), stage, marks, losses);
  const copies = copyLines(stage, context);
  tellLeftOut(stage, losses);
  for (const found of stage.sections) tellVariables(found, marks, losses);

  const post = postLines(section("post"), apps.installation, context);
  const runscript = isLast ? section("runscript") : undefined;
  // Of other stages only %test sees the environment.
  const environment = isLast || section("test") ? section("environment") : undefined;
  const variables =
    environment === undefined
      ? { lines: [], script: "" }
      : environmentLines(environment, marks, losses, context.valueOf, environmentStarter);
  const shellVariables =
    variables.script + (writesEnvironment(section("post")) ? readEnvironment : "");
  const labels = isLast ? section("labels") : undefined;
  const start = isLast
    ? startInstructions(
        { runscript, startscript: section("startscript") },
        shellVariables,
        marks,
        losses,
      )
    : [];
  const lines = [
    ...apps.folders,
    ...copies,
    ...post,
    ...variables.lines,
    ...(labels === undefined ? [] : labelLines(labels, marks, losses)),
    ...apps.scripts,
    ...testInstructions(section("test"), shellVariables, context),
    ...start,
  ];
  if (!lines.some((line) => line.startsWith("RUN "))) return lines;
  if (!isFromScratch) return ["USER root", "WORKDIR /", ...lines];
  losses.differs(
    stage.location,
    "folders that every image of Apptainer has, /tmp and /etc among them, are not in an empty image",
    "make what the scripts need with mkdir -p",
  );
  return lines;
}

function copyLines(stage: Stage, context: StageContext): string[] {
  const { marks, losses, kindOf, isFromScratch, numberOf } = context;
  const target = new CopyTarget(isFromScratch);
  const shared = { marks, losses, kindOf, target };
  const ofApps = stage.sections
    .filter(({ name, app = "" }) => name === "appfiles" && isPlainName(app))
    .flatMap((section) => {
      const below = placesOf(section.app ?? "").root;
      target.note(below);
      const origin = { stage: undefined, below, isLiteral: true };
      return splitAppCopyLines(section).lines.flatMap((line) =>
        copyInstruction(line, origin, shared),
      );
    });
  const files = stage.sections.filter(({ name }) => name === "files");
  const fromStages = files.flatMap((section) => {
    const origin = stageOf(section);
    if (origin.kind !== "stage") return [];
    const number = numberOf(origin.name);
    if (number === undefined) {
      losses.lost(
        section.location,
        `nothing is copied from ${displayText(origin.name)}: that stage is not built before this one`,
        "put it before this stage",
      );
      return [];
    }
    const from = { stage: number, below: "", isLiteral: false };
    return splitCopyLines(section).lines.flatMap((line) => copyInstruction(line, from, shared));
  });
  const fromHost = files.flatMap((section) => {
    if (stageOf(section).kind !== "host") return [];
    const from = { stage: undefined, below: "", isLiteral: false };
    return splitCopyLines(section).lines.flatMap((line) => copyInstruction(line, from, shared));
  });
  return [...ofApps, ...fromStages, ...fromHost];
}

/** What a script that appends to `$APPTAINER_ENVIRONMENT` finds there. */
const environmentVariable = /\b(?:APPTAINER|SINGULARITY)_ENVIRONMENT\b/;

const writesEnvironment = (post: Section | undefined) =>
  post !== undefined && environmentVariable.test(post.body);

function postLines(
  post: Section | undefined,
  installation: string,
  context: StageContext,
): readonly string[] {
  const body = (post?.body ?? "") + installation;
  const interpreter = scriptInterpreter(post ?? { argument: "", encoding: "utf8" });
  if (interpreter === undefined || body === "") return [];
  const before: string[] = [];
  if (writesEnvironment(post)) {
    before.push(
      `mkdir -p ${environmentFile.slice(0, environmentFile.lastIndexOf("/"))}`,
      `export APPTAINER_ENVIRONMENT=${environmentFile} SINGULARITY_ENVIRONMENT=${environmentFile}`,
    );
  }
  if (/\b(?:APPTAINER|SINGULARITY)_LABELS\b/.test(body)) {
    before.push("export APPTAINER_LABELS=/dev/null SINGULARITY_LABELS=/dev/null");
  }
  const isShell = interpreter.kind === "options";
  return runScript(
    {
      body,
      options: isShell ? ["-ex", ...interpreter.words] : [],
      command: isShell ? undefined : interpreter.text,
      before,
    },
    context,
  );
}

const leftOut: Readonly<Partial<Record<Section["name"], readonly [why: string, hint: string]>>> = {
  pre: ["Docker runs nothing on the host", "run it before the build"],
  setup: [
    "Docker runs nothing on the host",
    "copy files with %files, and run in the image with %post",
  ],
  help: [
    "an image of Docker has no help",
    "write LABEL org.opencontainers.image.description=… for a short one",
  ],
};

function tellLeftOut(stage: Stage, losses: Losses): void {
  for (const { name, location } of stage.sections) {
    const [why, hint] = leftOut[name] ?? [];
    if (why !== undefined && hint !== undefined) {
      losses.lost(location, `%${name} is left out: ${why}`, hint);
    }
  }
}

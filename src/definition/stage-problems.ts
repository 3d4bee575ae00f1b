// What can be wrong or odd about stages that could be read: problems of meaning, which need the whole file or a rule.

import type { Definition, Section, Stage } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { Location } from "../model/location.ts";
import { splitCopyLines } from "./copy-lines.ts";
import { displayText } from "./display-text.ts";
import { scriptInterpreter } from "./script-interpreter.ts";
import { stageOf } from "./stage-of.ts";
import { suggest } from "./suggest.ts";

/** Makes one diagnostic after another into a list. */
type Add = (
  severity: Diagnostic["severity"],
  code: string,
  location: Location,
  message: string,
  hint: string,
) => void;

/**
 * What is wrong with the stages of a definition, taken together.
 * @param sections for each stage all its sections, those without a line too: the stage that they name must exist
 * @param agents the names that `Bootstrap` may have; undefined leaves that to others
 */
export function stageProblems(
  stages: Definition["stages"],
  sections: readonly (readonly Section[])[],
  agents: Iterable<string> | undefined,
): Diagnostic[] {
  const found: Diagnostic[] = [];
  const add: Add = (severity, code, location, message, hint) =>
    found.push({ severity, code, message, location, hint });
  const names = new Map<string, Stage>();
  for (const stage of stages) {
    checkAgent(stage, stages, agents === undefined ? undefined : [...agents], add);
    if (stage.name === undefined) continue;
    const other = names.get(stage.name);
    if (other === undefined) names.set(stage.name, stage);
    else {
      const message = `a stage above is called ${displayText(stage.name)} too`;
      const hint = "give each stage a name of its own: %files from takes the first of two";
      add("warning", "definition/repeated-stage", fieldLocation(stage, "stage"), message, hint);
    }
  }
  for (const stage of stages) {
    for (const section of sections[stage.index] ?? []) {
      if (section.name === "files") checkFiles(section, [...names.keys()], add, found);
    }
    for (const section of stage.sections) checkInterpreter(section, add);
  }
  return found;
}

function fieldLocation(stage: Stage, key: string): Location {
  return stage.header.find((field) => field.key === key)?.valueLocation ?? stage.location;
}

function checkAgent(
  stage: Stage,
  stages: readonly Stage[],
  agents: readonly string[] | undefined,
  add: Add,
): void {
  const [first] = stage.sections;
  if (stage.header.length === 0) {
    const location = first?.location ?? stage.location;
    const message = "there are sections but no header before them";
    add(
      "error",
      "definition/no-header",
      location,
      message,
      "start each stage with a line Bootstrap: AGENT",
    );
    return;
  }
  const bootstrap = stage.header.find((field) => field.key === "bootstrap");
  if (bootstrap === undefined) {
    const next = stages[stage.index + 1];
    const [message, hint] =
      next === undefined || stage.sections.length > 0
        ? ["the stage has no Bootstrap line", "add a line Bootstrap: AGENT, docker for one"]
        : [
            "this line stands above the Bootstrap line, with which a stage begins",
            `make line ${next.location.line}, with Bootstrap, the first one of the header`,
          ];
    add("error", "definition/no-bootstrap", stage.location, message, hint);
    return;
  }
  if (bootstrap.value === "") {
    const message = "Bootstrap has no value";
    add(
      "error",
      "definition/no-bootstrap",
      bootstrap.location,
      message,
      "name an agent: Bootstrap: docker",
    );
    return;
  }
  if (agents !== undefined && !agents.includes(bootstrap.value)) {
    const message = `unknown agent ${displayText(bootstrap.value)}`;
    // Less of the value stands on its line than there is.
    const isContinued = bootstrap.valueLocation.length < Array.from(bootstrap.value).length;
    const hint = isContinued
      ? "a backslash at the end of the line joins the next one to it: take the backslash away"
      : unknownAgentHint(bootstrap.value, agents, stage.header);
    add("error", "definition/unknown-bootstrap", bootstrap.valueLocation, message, hint);
  }
  const from = stage.header.find((field) => field.key === "from");
  if (bootstrap.value === "localimage" && (from?.value ?? "") === "") {
    const message = `the agent localimage needs to know the image, and ${from === undefined ? "there is no From" : "From is empty"}`;
    const hint =
      from === undefined
        ? "add a line From: FILE; Apptainer would take the working directory"
        : "name the image's file, in a build argument for one; Apptainer would take the working directory";
    add("error", "definition/missing-keyword", (from ?? bootstrap).location, message, hint);
  }
}

/** Agents of other versions, and what to do without them. */
const otherAgents: Readonly<Record<string, string>> = {
  buildkit: "Apptainer 1.5 has it, tsbuild does not: convert a Dockerfile with tsbuild convert",
  dockerfile: "Apptainer 1.5 has it, tsbuild does not: convert a Dockerfile with tsbuild convert",
  library:
    "an image of a library is to be had with Bootstrap: docker or oras, from a registry that has it too",
  ipfs: "Apptainer 1.5 has it, tsbuild does not",
  self: "version 2 had it; to make an image of a folder, write Bootstrap: localimage and From: FOLDER",
};

function unknownAgentHint(
  value: string,
  agents: readonly string[],
  header: Stage["header"],
): string {
  const other = Object.hasOwn(otherAgents, value) ? otherAgents[value] : undefined;
  if (other !== undefined) return other;
  const near = suggest(value, agents);
  if (near === value.toLowerCase()) return `agents are written in lower case: ${near}`;
  if (near !== undefined) return `did you mean ${near}?`;
  const hasFrom = header.some(({ key }) => key === "from");
  const from = hasFrom ? "" : ` with From: ${displayText(value)}`;
  return `agents are ${agents.toSorted().join(", ")}; an image of a registry is Bootstrap: docker${from}`;
}

function checkFiles(
  section: Section,
  names: readonly string[],
  add: Add,
  found: Diagnostic[],
): void {
  const origin = stageOf(section);
  const { diagnostics } = splitCopyLines(section);
  if (origin.kind === "ignored") {
    // Its lines are read all the same.
    found.push(...diagnostics.filter(({ severity }) => severity === "error"));
    if (section.body === "") return;
    const isBlank = section.argument.trim() === "";
    const message = isBlank
      ? "nothing of this section is copied: more than one blank follows %files"
      : `nothing of this section is copied: "${displayText(section.argument)}" is neither empty nor two words`;
    const hint = isBlank
      ? "take the blanks behind %files away"
      : "write %files, or %files from STAGE";
    add("warning", "definition/files-ignored", section.location, message, hint);
    return;
  }
  if (origin.kind === "stage" && !names.includes(origin.name)) {
    const near = suggest(origin.name, names);
    const hint =
      near !== undefined
        ? `did you mean ${displayText(near)}?`
        : names.length === 0
          ? "no stage has a name: add a line Stage: NAME to a header"
          : `stages are ${names.map(displayText).join(", ")}`;
    const message = `there is no stage ${displayText(origin.name)} to copy from`;
    add("error", "definition/unknown-stage", section.location, message, hint);
  }
  found.push(...diagnostics);
}

function checkInterpreter(section: Section, add: Add): void {
  if (!["pre", "setup", "post"].includes(section.name)) return;
  if (scriptInterpreter(section) !== undefined) return;
  const message = `the -c behind %${section.name} names no shell`;
  add(
    "error",
    "definition/missing-shell",
    section.location,
    message,
    `write %${section.name} -c /bin/bash`,
  );
}

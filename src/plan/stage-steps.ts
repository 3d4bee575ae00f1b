import { appsOf } from "../definition/apps-of.ts";
import { splitCopyLines } from "../definition/copy-lines.ts";
import { scriptInterpreter } from "../definition/script-interpreter.ts";
import { stageOf } from "../definition/stage-of.ts";
import { appInstallScript } from "../layout/apps.ts";
import type { Definition, Section, SectionName, Stage } from "../model/definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import type { App, MetadataTexts, Script, Step, TextWithArgument } from "../model/plan.ts";
import type { PlanOptions } from "./make-plan.ts";

/**
 * The steps of one stage in the order in which they happen, wherever the sections stand in the file: `%pre`, the base,
 * apps, copies from stages, `%setup`, copies from the host, `%post` with the apps' installation, metadata, `%test`.
 */
export function stageSteps(
  definition: Definition,
  stage: Stage,
  options: PlanOptions,
  isLast: boolean,
): { readonly steps: readonly Step[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const section = (name: SectionName) =>
    options.sections(name)
      ? stage.sections.find((candidate) => candidate.name === name)
      : undefined;
  const script = (name: "pre" | "setup" | "post") => {
    const found = section(name);
    const interpreter = found && scriptInterpreter(found);
    return found && interpreter && scriptOf(found, name, interpreter);
  };
  const steps: Step[] = [];

  const pre = script("pre");
  if (pre !== undefined) steps.push({ kind: "run-on-host", script: pre });

  const update = isLast ? options.update : undefined;
  steps.push(update === undefined ? bootstrap(stage) : { kind: "take-sandbox", folder: update });

  const apps = appsOf(stage);
  if (apps.length > 0) steps.push({ kind: "add-apps", apps });

  const files = options.sections("files")
    ? stage.sections.filter(({ name }) => name === "files")
    : [];
  const copies = files.flatMap((copied): Step[] =>
    copyStep(definition, stage, copied, diagnostics),
  );
  steps.push(...copies.filter(({ kind }) => kind === "copy-from-stage"));

  const setup = script("setup");
  if (setup !== undefined) steps.push({ kind: "run-on-host", script: setup });

  steps.push(...copies.filter(({ kind }) => kind === "copy-from-host"));

  const post = withInstallations(script("post"), apps, stage);
  if (post !== undefined) steps.push({ kind: "run-in-container", script: post });

  steps.push({
    kind: "write-metadata",
    texts: textsOf(section),
    header: update === undefined ? stage.header.map(({ key, value }) => [key, value] as const) : [],
  });

  // With `--section` and without `test` in it Apptainer still runs the image's test action; so the switch is not asked.
  const test = stage.sections.find(({ name }) => name === "test");
  if (test !== undefined && options.runTests) {
    steps.push({
      kind: "run-test",
      script: scriptOf(test, "test", { kind: "options", words: [] }),
    });
  }
  if (isLast) steps.push({ kind: "pack", format: options.format });
  return { steps, diagnostics };
}

function bootstrap(stage: Stage): Step {
  const field = stage.header.find(({ key }) => key === "bootstrap");
  return {
    kind: "bootstrap",
    agent: field?.value ?? "",
    header: Object.fromEntries(stage.header.map(({ key, value }) => [key, value])),
    location: field?.location ?? stage.location,
  };
}

function scriptOf(
  section: Section,
  name: Script["section"],
  interpreter: Script["interpreter"],
): Script {
  return {
    section: name,
    body: section.body,
    interpreter,
    location: section.location,
    lines: section.lines,
  };
}

function copyStep(
  definition: Definition,
  stage: Stage,
  section: Section,
  diagnostics: Diagnostic[],
): Step[] {
  const origin = stageOf(section);
  if (origin.kind === "ignored") return [];
  const { lines } = splitCopyLines(section);
  if (origin.kind === "host")
    return [{ kind: "copy-from-host", lines, location: section.location }];
  const built = definition.stages.slice(0, stage.index);
  if (!built.some(({ name }) => name === origin.name)) {
    diagnostics.push({
      severity: "error",
      code: "definition/stage-order",
      message: `%files from ${origin.name}: that stage is not built before this one, so there is nothing to copy yet`,
      location: section.location,
      hint: `put the stage ${origin.name} before this one`,
    });
    return [];
  }
  return [{ kind: "copy-from-stage", stage: origin.name, lines, location: section.location }];
}

/** `%post` with the installation of every app after it, in the same shell, as Apptainer does. */
function withInstallations(
  post: Script | undefined,
  apps: readonly App[],
  stage: Stage,
): Script | undefined {
  const install = appInstallScript(apps);
  if (install.text === "") return post;
  return {
    section: "post",
    interpreter: post?.interpreter ?? { kind: "options", words: [] },
    location: post?.location ?? apps[0]?.location ?? stage.location,
    body: (post?.body ?? "") + install.text,
    lines: [...(post?.lines ?? []), ...install.lines],
  };
}

function textsOf(section: (name: SectionName) => Section | undefined): MetadataTexts {
  const body = (name: SectionName) => section(name)?.body;
  const text = (name: SectionName): TextWithArgument | undefined => {
    const found = section(name);
    return found && { body: found.body, argument: found.argument };
  };
  return {
    help: body("help"),
    labels: body("labels"),
    environment: body("environment"),
    runscript: text("runscript"),
    startscript: text("startscript"),
    test: text("test"),
  };
}

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseBuildArguments } from "../definition/build-arguments.ts";
import { readDefinition } from "../definition/read-definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { DefinitionError } from "../model/error.ts";
import type { BuildPlan } from "../model/plan.ts";
import type { Platform } from "../model/platform.ts";
import { makePlan } from "../plan/make-plan.ts";
import { sectionSwitch } from "../plan/section-switch.ts";
import { agentNames } from "../source/find-source.ts";
import { readSpec, unreadable, type BuildSpec } from "./read-spec.ts";

/** The options that decide what a plan is. */
export interface PlanFlags {
  readonly sandbox?: boolean;
  readonly section: readonly string[];
  readonly notest?: boolean;
  readonly buildArg: readonly string[];
  readonly buildArgFile: readonly string[];
  readonly warnUnusedBuildArgs?: boolean;
  readonly arch?: string;
  readonly archVariant?: string;
}

export interface LoadedPlan {
  readonly spec: BuildSpec;
  readonly plan: BuildPlan;
  readonly warnings: readonly Diagnostic[];
  /** The definition's text, to show places in. */
  readonly source: string;
}

/** A definition that can't be built, with the text that places in its file point into. */
export class DefinitionFailure extends DefinitionError {
  readonly file: string;
  readonly source: string;

  constructor(diagnostics: readonly Diagnostic[], file: string, source: string) {
    super(diagnostics);
    this.file = file;
    this.source = source;
  }
}

/**
 * Reads what SPEC names, fills in build arguments and plans the build.
 * @throws {DefinitionError} with all mistakes that were found
 */
export async function loadPlan(
  name: string,
  flags: PlanFlags,
  context: { readonly folder: string; readonly platform: Platform; readonly update?: string },
): Promise<LoadedPlan> {
  const sections = sectionSwitch(flags.section.flatMap((names) => names.split(",")));
  const spec = await readSpec(name, context.folder);
  const given = parseBuildArguments({
    // A URI or an image has no placeholders; Apptainer does not look at build arguments then.
    flags: spec.isGenerated ? [] : flags.buildArg,
    files: spec.isGenerated ? [] : await readArgumentFiles(flags.buildArgFile, context.folder),
  });
  const read = readDefinition(spec.bytes, {
    file: spec.file,
    buildArguments: given.buildArguments,
    agents: agentNames,
    warnUnused: flags.warnUnusedBuildArgs ?? false,
  });
  const source = Buffer.from(spec.bytes).toString(read.definition?.encoding ?? "utf8");
  const found = [...given.diagnostics, ...read.diagnostics];
  if (read.definition === undefined || hasError(found))
    throw new DefinitionFailure(found, spec.file, source);
  const made = makePlan(read.definition, {
    platform: context.platform,
    format: flags.sandbox === true ? "sandbox" : "sif",
    sections,
    runTests: flags.notest !== true,
    update: context.update,
  });
  const all = [...found, ...made.diagnostics];
  if (made.plan === undefined) throw new DefinitionFailure(all, spec.file, source);
  return { spec, plan: made.plan, warnings: all, source };
}

const hasError = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.some(({ severity }) => severity === "error");

/** The texts of the files that `--build-arg-file` names. @throws {HostError} `host/not-readable` */
export function readArgumentFiles(
  names: readonly string[],
  folder: string,
): Promise<{ name: string; text: string }[]> {
  return Promise.all(
    names.map(async (name) => ({
      name,
      text: await readFile(resolve(folder, name), "utf8").catch(unreadable(name)),
    })),
  );
}

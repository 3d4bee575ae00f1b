import type { Secret } from "../build/options.ts";
import { parseBuildArguments, type BuildArgument } from "../definition/build-arguments.ts";
import { readDefinition } from "../definition/read-definition.ts";
import type { Diagnostic } from "../model/diagnostic.ts";
import { DefinitionError, UsageError } from "../model/error.ts";
import type { BuildPlan, Step } from "../model/plan.ts";
import type { Platform } from "../model/platform.ts";
import { makePlan } from "../plan/make-plan.ts";
import { sectionSwitch } from "../plan/section-switch.ts";
import { agentNames } from "../source/find-source.ts";
import { readArgumentFiles } from "./read-argument-files.ts";
import { readSpec, type BuildSpec } from "./read-spec.ts";

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
  /** The same with secret build arguments masked. */
  readonly shownPlan: BuildPlan;
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
 * @throws {UsageError} `usage/secret-kept`
 */
export async function loadPlan(
  name: string,
  flags: PlanFlags,
  context: {
    readonly folder: string;
    readonly platform: Platform;
    readonly update?: string;
    /** Build arguments whose values nobody may see. */
    readonly secretArguments?: readonly Secret[];
  },
): Promise<LoadedPlan> {
  const sections = sectionSwitch(flags.section.flatMap((names) => names.split(",")));
  const spec = await readSpec(name, context.folder);
  const secrets = context.secretArguments ?? [];
  const input = {
    // A URI or an image has no placeholders; Apptainer does not look at build arguments then.
    flags: spec.isGenerated ? [] : flags.buildArg,
    files: spec.isGenerated ? [] : await readArgumentFiles(flags.buildArgFile, context.folder),
  };
  const planWith = (values: readonly BuildArgument[]): ReadPlan => {
    const given = parseBuildArguments(input);
    const read = readDefinition(spec.bytes, {
      file: spec.file,
      buildArguments: new Map([
        ...given.buildArguments,
        ...values.map((value) => [value.name, value] as const),
      ]),
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
    return { plan: made.plan, warnings: all, source };
  };
  const shown = planWith(secrets.map(({ name }) => secretArgument(name, "***")));
  if (secrets.length === 0) return { spec, ...shown, shownPlan: shown.plan };
  // With the values, for the scripts alone: all that is told or kept is of the plan without them.
  const { plan } = planWith(
    secrets.map(({ name, value }) => secretArgument(name, Buffer.from(value).toString("utf8"))),
  );
  refuseKeptSecrets(plan, shown.plan);
  return {
    spec,
    ...shown,
    shownPlan: shown.plan,
    plan: { ...plan, definition: shown.plan.definition },
  };
}

type ReadPlan = Pick<LoadedPlan, "plan" | "warnings" | "source">;

function secretArgument(name: string, value: string): BuildArgument {
  const location = { file: `--build-arg-secret ${name}`, line: 1, column: 1, length: 0 };
  return { name, value, location };
}

/** A secret argument may be in what only runs. Anywhere else it would be in the image, for everybody to read. */
function refuseKeptSecrets(plan: BuildPlan, shown: BuildPlan): void {
  const others = keptOfStages(shown);
  const index = keptOfStages(plan).findIndex((text, at) => text !== others[at]);
  if (index === -1) return;
  throw new UsageError(
    "usage/secret-kept",
    "a secret build argument is used where it would be kept in the image",
    {
      location: plan.stages[index]?.location,
      hint: "use it in %pre, %setup, %post and %appinstall only; for a value that may be seen there is --build-arg",
    },
  );
}

function keptOfStages({ stages }: BuildPlan): string[] {
  return stages.map(({ header, steps }) =>
    JSON.stringify([header, steps.map((step) => keptOf(step))]),
  );
}

/** A step without what only runs. */
function keptOf(step: Step): unknown {
  if (step.kind === "run-on-host" || step.kind === "run-in-container") return step.kind;
  if (step.kind !== "add-apps") return step;
  return step.apps.map((app) => ({ ...app, parts: { ...app.parts, install: "" } }));
}

const hasError = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.some(({ severity }) => severity === "error");

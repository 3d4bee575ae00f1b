import { TsbuildError } from "../model/error.ts";
import type { BuildPlan, ScriptsHere } from "../model/plan.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import type { Environment } from "./settings.ts";

export interface ScriptsHereOptions {
  /** The way that `--isolation` names. */
  readonly isolation: string | undefined;
  /** Where a build would have root file systems. */
  readonly temporaryParent: string;
  readonly environment: Environment;
}

/**
 * How a build would run the plan's scripts on this machine, found out as a build does: by trying. Undefined where no script
 * runs. That none can be run is an answer, with the code of the error that a build would end with. Takes up to half a
 * second; what is made in the temporary folder for it is gone afterwards.
 * @throws {UsageError} `usage/isolation` for a way that there is not
 */
export async function scriptsHere(
  plan: BuildPlan,
  { isolation: name, temporaryParent, environment }: ScriptsHereOptions,
): Promise<ScriptsHere | undefined> {
  if (!plan.stages.some(({ needsSandbox }) => needsSandbox)) return undefined;
  const { chooseIsolation, NoIsolation } = await import("../isolation/choose.ts");
  try {
    await (await TemporaryFolder.create(temporaryParent))[Symbol.asyncDispose]();
    const choice = await chooseIsolation({
      name,
      folder: temporaryParent,
      environment: { ...environment },
    });
    const { summary, losses } = choice;
    const { examineRootPlace } = await import("../doctor/root-place.ts");
    const { refusal } = await examineRootPlace(choice, temporaryParent, environment);
    if (refusal !== undefined) throw refusal;
    return {
      way: choice.name,
      summary,
      losses,
      passedOver: choice.passedOver.map(told),
      refused: undefined,
    };
  } catch (error) {
    if (!(error instanceof TsbuildError) || error.exitCode !== 6) throw error;
    const { explainNoIsolation } = await import("../doctor/explain-isolation.ts");
    const isNone = error instanceof NoIsolation;
    const { code, message, hint } = isNone ? await explainNoIsolation(error, environment) : error;
    return {
      way: undefined,
      summary: undefined,
      losses: [],
      passedOver: isNone ? error.passedOver.map(told) : [],
      refused: { code, message, hint },
    };
  }
}

function told({
  name,
  reason,
  hint,
}: {
  readonly name: string;
  readonly reason: string;
  readonly hint: string | undefined;
}): ScriptsHere["passedOver"][number] {
  return { way: name, reason, hint };
}

import type { Choice } from "../isolation/choose.ts";
import type { RootPlace } from "../doctor/root-place.ts";
import type { Isolation } from "../isolation/isolation.ts";
import type { Listener } from "../model/event.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import { enterAgain } from "./enter-again.ts";
import type { LoadedPlan } from "./load-plan.ts";
import type { Environment } from "./settings.ts";

interface EnterContext {
  readonly format: "sif" | "sandbox";
  /** The way that `--isolation` names. */
  readonly isolation: string | undefined;
  /** Where the image or sandbox will be. */
  readonly targetFolder: string;
  /** Where root file systems will be. */
  readonly temporaryParent: string;
  readonly environment: Environment;
  /** The words that the program was called with, to call it again. */
  readonly words: readonly string[];
  readonly listener: Listener;
}

/**
 * Sees to it that the build can be root where it has to be: for scripts, and for folders whose files keep their owners. A
 * plain user's build then starts itself again in a user namespace, and this process only waits for it.
 * @returns the exit code of the build that ran inside, or what scripts are run with here
 * @throws {HostError} `host/no-isolation`, `host/folder-unfit` and others when scripts can't be run
 */
export async function enterIfNeeded(
  loaded: LoadedPlan,
  context: EnterContext,
): Promise<{ readonly exitCode: number } | { readonly isolation: Isolation | undefined }> {
  const entered = await enterForRights(loaded, context);
  if (context.format === "sandbox" && !("exitCode" in entered)) {
    const { examineSandboxPlace } = await import("../doctor/root-place.ts");
    heed(await examineSandboxPlace(context.targetFolder), context);
  }
  return entered;
}

async function enterForRights(
  loaded: LoadedPlan,
  context: EnterContext,
): Promise<{ readonly exitCode: number } | { readonly isolation: Isolation | undefined }> {
  const hasScripts = loaded.plan.stages.some(({ needsSandbox }) => needsSandbox);
  // A URI's sandbox is the user's own in Apptainer too; a definition's, and what is in a sandbox, has owners to keep.
  const hasOwners =
    loaded.spec.isFolder || (context.format === "sandbox" && !loaded.spec.isGenerated);
  const isPlainUser = process.geteuid?.() !== 0;
  if (!hasScripts && !(hasOwners && isPlainUser)) return { isolation: undefined };

  // What can't hold a folder would fail the trials of every way.
  await (await TemporaryFolder.create(context.temporaryParent))[Symbol.asyncDispose]();
  const { chooseIsolation, NoIsolation } = await import("../isolation/choose.ts");
  const choice = await chooseIsolation({
    name: context.isolation,
    folder: context.temporaryParent,
    environment: { ...context.environment },
  }).catch(async (error: unknown) => {
    if (!hasScripts) return undefined;
    if (!(error instanceof NoIsolation)) throw error;
    const { explainNoIsolation } = await import("../doctor/explain-isolation.ts");
    throw await explainNoIsolation(error, context.environment);
  });
  if (choice === undefined) return { isolation: undefined };
  // Who was started again by a build has been told before.
  if (hasScripts && choice.facts.entered === undefined) {
    const { examineRootPlace } = await import("../doctor/root-place.ts");
    const { temporaryParent, environment } = context;
    heed(await examineRootPlace(choice, temporaryParent, environment), context);
  }
  if (choice.entry === undefined) {
    // The process outside has told already.
    if (choice.user.uid === process.geteuid?.()) await tellChoice(choice, context.listener);
    return { isolation: choice.isolation };
  }
  await tellChoice(choice, context.listener);
  const stdin = loaded.spec.isStandardInput ? loaded.spec.bytes : undefined;
  return { exitCode: await enterAgain(choice.entry, context, stdin) };
}

/** @throws {HostError} `host/noexec`, `host/folder-owners`, `host/folder-unfit` */
function heed(
  { refusal, warning }: Pick<RootPlace, "refusal" | "warning">,
  { listener }: EnterContext,
): void {
  if (refusal !== undefined) throw refusal;
  if (warning !== undefined) listener({ type: "warning", ...warning });
}

/** Says how scripts are run and, where that loses anything, what is in the way of something stronger. */
async function tellChoice(
  { name, summary, losses, ...choice }: Choice,
  listener: Listener,
): Promise<void> {
  listener({ type: "isolation", way: name, summary, losses });
  if (losses.length === 0) return;
  const { betterWay } = await import("../doctor/explain-isolation.ts");
  const better = betterWay(choice.passedOver, choice.facts);
  const lost = `scripts run ${summary}: ${losses.join("; ")}`;
  listener({
    type: "warning",
    code: better?.cause.code ?? "host/isolation-loss",
    message: better === undefined ? lost : `${better.cause.message}; ${lost}`,
    hint: better?.cause.hint,
  });
}

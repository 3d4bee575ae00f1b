import { Sandbox } from "../sandbox/sandbox.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** The stage's sandbox, made when first asked for, with nothing in it yet. */
export async function sandboxOf(stage: StageState, run: BuildRun): Promise<Sandbox> {
  stage.sandbox ??= await Sandbox.create({
    temporaryFolder: run.temporaryFolder,
    isolation: run.options.isolation,
  });
  return stage.sandbox;
}

/** The stage's sandbox with all of the stage's tree on disk. */
export async function writtenSandbox(stage: StageState, run: BuildRun): Promise<Sandbox> {
  const sandbox = await sandboxOf(stage, run);
  if (!sandbox.isFilled) await layOver(sandbox, stage, run);
  await sandbox.write(stage.tree, run.options.signal);
  return sandbox;
}

/** Has scripts work on an overlay, where the base allows it, and tells on what they work. */
async function layOver(sandbox: Sandbox, stage: StageState, { options }: BuildRun): Promise<void> {
  const { lowerLayer } = stage;
  const { listener, signal } = options;
  if (lowerLayer === undefined) return;
  const { refused, isOld } = await sandbox.layOver(lowerLayer, {
    signal,
    onWait: () =>
      listener({ type: "note", message: `Waiting for another build to unpack ${lowerLayer.name}` }),
  });
  const message =
    refused === undefined
      ? `Scripts work on an overlay over the base ${isOld === true ? "kept" : "now kept"} unpacked in the cache`
      : `Scripts work on a copy of the base: ${refused}`;
  listener({ type: "note", message });
}

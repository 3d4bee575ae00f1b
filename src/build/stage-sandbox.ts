import { displayName, type ByteString } from "../model/bytes-path.ts";
import type { BuildEvent } from "../model/event.ts";
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
  const { refused, isOld, notBest } = await sandbox.layOver(lowerLayer, {
    signal,
    onWait: () =>
      listener({ type: "note", message: `Waiting for another build to unpack ${lowerLayer.name}` }),
    onLostGroups: (paths) => listener(lostGroups(paths)),
  });
  const kept = `the base ${isOld === true ? "kept" : "now kept"} unpacked in the cache`;
  const message =
    refused !== undefined
      ? `Scripts work on a copy of the base: ${refused}`
      : notBest === undefined
        ? `Scripts work on an overlay over ${kept}`
        : `Scripts work on an overlay by ${notBest.way} over ${kept} (${notBest.because})`;
  listener({ type: "note", message });
}

const shownPaths = 5;

function lostGroups(paths: readonly ByteString[]): BuildEvent {
  const shown = paths.slice(0, shownPaths).map((path) => `/${displayName(path)}`);
  const rest = paths.length - shown.length;
  return {
    type: "warning",
    code: "host/lost-groups",
    message: `a script has made something in folders that give their group away, which fuse-overlayfs doesn't do: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`,
    hint: "--copy-base has the groups given, and the set-group-id bit",
  };
}

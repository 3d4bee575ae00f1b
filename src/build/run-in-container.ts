import type { Script, Step } from "../model/plan.ts";
import { lostAttributes } from "../sandbox/lost-attributes.ts";
import { ownersLost } from "../sandbox/owners-lost.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { BuildOptions } from "./options.ts";
import { writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/**
 * `%post` and `%test`, with the root file system on disk. What `%post` left there is the stage's tree afterwards; `%test`
 * runs as the image has it and can't change anything.
 */
export async function runInContainer(
  step: Extract<Step, { kind: "run-in-container" | "run-test" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options } = run;
  const isTest = step.kind === "run-test";
  const sandbox = await writtenSandbox(stage, run);
  await sandbox.run(step.script, {
    ...scriptOptions(run),
    binds: options.binds,
    drivers: options.drivers,
    network: options.network,
    secrets: options.secrets ?? [],
    terminal: options.terminal,
    writableTmpfs: isTest && options.writableTmpfs,
  });
  if (isTest) return;
  const before = stage.tree;
  stage.tree = await sandbox.read(options.signal);
  tellOwnersLost(before, stage.tree, step.script, options);
}

/** Where a script sees all files as root's it may have done as root what another user was to do. */
function tellOwnersLost(
  before: FileTree,
  after: FileTree,
  script: Script,
  { isolation, listener }: BuildOptions,
): void {
  if (isolation?.keepsOwners !== false && isolation?.witness === undefined) return;
  const message = lostAttributes(
    script,
    { losses: ownersLost(before, after), users: [] },
    () => true,
  );
  if (message !== undefined) listener({ type: "warning", code: "host/lost-attributes", message });
}

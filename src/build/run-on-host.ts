import type { Step } from "../model/plan.ts";
import { runHostScript } from "../sandbox/run-host-script.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import { sandboxOf, writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/** `%pre` before there is a root file system, `%setup` with it on disk; both on the host. */
export async function runOnHost(
  step: Extract<Step, { kind: "run-on-host" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options, temporaryFolder } = run;
  const isSetup = step.script.section === "setup";
  const sandbox = isSetup ? await writtenSandbox(stage, run) : await sandboxOf(stage, run);
  await runHostScript({
    ...scriptOptions(run),
    script: step.script,
    rootFolder: sandbox.rootFolder,
    enterCommand: sandbox.enterCommand,
    upperFolder: sandbox.upperFolder,
    ledger: sandbox.ledger,
    temporaryFolder,
    folder: options.folder,
    isolation: options.isolation,
  });
  if (isSetup) stage.tree = await sandbox.read(options.signal);
}

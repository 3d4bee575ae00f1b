import { runHostScript } from "../sandbox/run-host-script.ts";
import { ScriptError, SourceError } from "../model/error.ts";
import type { Step } from "../model/plan.ts";
import type { RootRecipe } from "../source/source.ts";
import { FileTree } from "../tree/file-tree.ts";
import type { BuildRun } from "./run-plan.ts";
import { scriptOptions } from "./script-options.ts";
import { writtenSandbox } from "./stage-sandbox.ts";
import type { StageState } from "./stage.ts";

/**
 * Has programs of this machine fill the stage's root file system, as root of the build, and reads what they made. They run
 * as `%setup` does, so the folder is where `APPTAINER_ROOTFS` says.
 * @throws {SourceError} `source/bootstrap-failed`
 * @throws the signal's reason, and what setting up throws
 */
export async function makeRoot(
  { name, script, variables, hint }: RootRecipe,
  step: Extract<Step, { kind: "bootstrap" }>,
  stage: StageState,
  run: BuildRun,
): Promise<FileTree> {
  const { options, temporaryFolder } = run;
  stage.tree = new FileTree({
    type: "directory",
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeSeconds: options.time.seconds,
  });
  const sandbox = await writtenSandbox(stage, run);
  const common = scriptOptions(run);
  try {
    await runHostScript({
      ...common,
      environment: { ...common.environment, ...variables },
      script: {
        section: "setup",
        body: script,
        interpreter: { kind: "options", words: [] },
        location: step.location,
        lines: [],
      },
      rootFolder: sandbox.rootFolder,
      ledger: sandbox.ledger,
      temporaryFolder,
      folder: options.folder,
      isolation: options.isolation,
    });
  } catch (error) {
    if (!(error instanceof ScriptError && error.code === "script/failed")) throw error;
    throw new SourceError(
      "source/bootstrap-failed",
      `${name} could not make the root file system`,
      {
        hint: hint ?? `the lines above are the last ones of ${name}`,
        location: step.location,
        details: error.details,
        cause: error,
      },
    );
  }
  return sandbox.read(options.signal);
}

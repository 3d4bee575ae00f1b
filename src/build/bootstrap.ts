import type { Step } from "../model/plan.ts";
import { applyBaseLayout } from "../layout/base-layout.ts";
import { writeApps } from "../layout/apps.ts";
import { applyOciConfig } from "../layout/oci-config.ts";
import { applyMadeRunscript } from "../layout/made-runscript.ts";
import { SourceError } from "../model/error.ts";
import { findSource } from "../source/find-source.ts";
import type { SandboxBase } from "../sandbox/laid-base.ts";
import type { BaseImage } from "../source/source.ts";
import { fixPermissions } from "./fix-permissions.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** Opens the base of a stage and lays `/.singularity.d` over it, as each kind of base wants it. */
export async function bootstrap(
  step: Extract<Step, { kind: "bootstrap" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  const { options, temporaryFolder } = run;
  const source = findSource(step.agent);
  if (source === undefined) throw new Error(`the plan names the unknown agent ${step.agent}`);
  if (options.access?.isOffline === true && source.runsPrograms === true) {
    refuseFetching(step.agent, step.header["mirrorurl"] ?? "");
  }
  const base = await source.open(new Map(Object.entries(step.header)), {
    platform: options.platform,
    folder: options.folder,
    temporaryFolder,
    cacheFolder: options.cacheFolder,
    noHttps: options.noHttps,
    access: options.access,
    makeRoot: async (recipe) => {
      const { makeRoot } = await import("./make-root.ts");
      return makeRoot(recipe, step, stage, run);
    },
    timeSeconds: options.time.seconds,
    listener: options.listener,
    signal: options.signal,
  });
  stage.base = base;
  stage.tree = base.tree;
  if (options.fixPermissions) fixPermissions(stage.tree);
  stage.lowerLayer = lowerLayerOf(base, step, stage, run);
  layOver(stage.tree, base, options.time.seconds);
}

/** What can be kept unpacked for other builds: the base as it came, if it is the same each time and scripts run in it. */
function lowerLayerOf(
  { tree, layers }: BaseImage,
  { agent, header }: Extract<Step, { kind: "bootstrap" }>,
  { index }: StageState,
  { plan, options }: BuildRun,
): SandboxBase | undefined {
  const { cacheFolder, access, version, fixPermissions: isFixed } = options;
  const isLast = index === plan.stages.length - 1;
  if (layers === undefined || cacheFolder === undefined || access?.isFresh === true)
    return undefined;
  if (plan.stages[index]?.needsSandbox !== true || options.copyBase === true) return undefined;
  // A whole folder is wanted then.
  if (options.keepTemporary || (isLast && options.format === "sandbox")) return undefined;
  return {
    tree: tree.clone(),
    name: `${agent}://${header["from"] ?? ""}`,
    identity: [version, isFixed ? "fixed" : "as it came", ...layers],
    cacheFolder,
    maxCacheBytes: access?.maxCacheBytes,
  };
}

/**
 * Programs that fetch packages ask nobody whether they may.
 * @throws {SourceError} `source/offline`
 */
function refuseFetching(agent: string, mirror: string): void {
  if (/^(?:file:|\/)/.test(mirror)) return;
  throw new SourceError("source/offline", `${agent} fetches packages, and --offline forbids that`, {
    hint: "leave --offline out, or name a mirror on this machine: MirrorURL: file:///path",
  });
}

function layOver(tree: BaseImage["tree"], base: BaseImage, timeSeconds: number): void {
  const context = { timeSeconds };
  applyBaseLayout(tree, { ...context, overwrite: base.kind !== "image" });
  if (base.kind === "made") applyMadeRunscript(tree, context);
  if (base.kind === "oci") applyOciConfig(tree, base.ociConfig ?? {}, context);
  writeApps(tree, [], context);
}

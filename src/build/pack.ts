import { chown } from "node:fs/promises";
import { readNode } from "../contents/read-node.ts";
import { inspectMetadata } from "../layout/inspect.ts";
import type { Step } from "../model/plan.ts";
import { imageArchitecture } from "../elf/image-architecture.ts";
import { outputFormat } from "../packer/output-format.ts";
import { packSif } from "../packer/pack-sif.ts";
import { packFolder } from "./pack-folder.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/** The end of a build: the last stage's tree becomes a SIF file or a sandbox folder. */
export async function pack(
  step: Extract<Step, { kind: "pack" }>,
  stage: StageState,
  run: BuildRun,
): Promise<void> {
  if (step.format === "sif") await packAsSif(stage, run);
  else run.sizeBytes = await packFolder(stage, run);
}

async function packAsSif(stage: StageState, run: BuildRun): Promise<void> {
  const { options, plan } = run;
  const { listener } = options;
  const architecture = await imageArchitecture(stage.tree, readNode);
  warnOfArchitecture(architecture, run);
  const metadata = await inspectMetadata(stage.tree, readNode, outputFormat);
  const config = stage.base?.ociConfig;
  const packed = await packSif(stage.tree, options.target, {
    definition: Buffer.from(plan.definition, plan.encoding),
    objects: [
      { name: "inspect-metadata.json", bytes: Buffer.from(metadata, "latin1") },
      ...(config === undefined
        ? []
        : [{ name: "oci-config.json", bytes: Buffer.from(JSON.stringify(config)) }]),
    ],
    architecture: architecture ?? plan.platform.architecture,
    timeSeconds: options.time.seconds,
    uuid: options.time.isFixed ? "from-content" : "random",
    compression: options.compression,
    blockSizeBytes: options.blockSizeBytes,
    force: options.force,
    verify: options.verify,
    workers: options.workers,
    signal: options.signal,
    onProgress: (task, done, total) =>
      listener({ type: "progress", task, done, total, unit: "bytes" }),
    onWarning: (warning) => listener({ type: "warning", ...warning }),
  });
  run.sizeBytes = packed.imageBytes;
  await giveToCaller(options);
}

/** What `sudo tsbuild` makes belongs to whoever called it, as with `sudo apptainer`. */
async function giveToCaller({ target, environment }: BuildRun["options"]): Promise<void> {
  const { SUDO_UID: uid = "", SUDO_GID: gid = "", SUDO_COMMAND: command = "" } = environment;
  const isOurs = /(^|[/\s])tsbuild(\.cjs)?(\s|$)/.test(command);
  if (process.geteuid?.() !== 0 || !isOurs || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return;
  await chown(target, Number(uid), Number(gid));
}

/** The image says what its programs are for, whatever --arch asked for; as in Apptainer this is only a warning. */
function warnOfArchitecture(found: string | undefined, { options, plan }: BuildRun): void {
  const wanted = plan.platform.architecture;
  if (found === undefined || found === wanted) return;
  options.listener({
    type: "warning",
    code: "image/architecture",
    message: `the programs in the image are for ${found}, not for ${wanted}`,
    hint: "name the architecture with --arch, or use a base image that has it",
  });
}

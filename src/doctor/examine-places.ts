// The folders that a build writes to, each written to as a build does. Nothing is left behind.

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkTarget } from "../build/check-target.ts";
import { BlobCache } from "../cache/blob-cache.ts";
import { sha256Of } from "../cache/digest.ts";
import { writeFolder } from "../folder/write-folder.ts";
import { TargetFile } from "../packer/target-file.ts";
import { writeError } from "../packer/write-error.ts";
import { blobFolder } from "../source/oci-base.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import type { Findings } from "./collect.ts";
import { examineFolder, type FolderReport } from "./examine-folder.ts";
import type { ExamineOptions } from "./examine-machine.ts";
import { examineSandboxPlace } from "./root-place.ts";
import { sampleTree } from "./sample-tree.ts";

/** The folder for temporary files, in which a small root file system is made. */
export async function examineTemporary(
  { temporaryParent }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  const report = await findings.attempt("error", async () => {
    await using own = await TemporaryFolder.create(temporaryParent);
    const trial = join(own.folder, "trial");
    mkdirSync(trial);
    const looked = examineFolder(temporaryParent, trial);
    await findings.attempt("error", () => writeFolder(sampleTree(), join(own.folder, "rootfs")));
    return looked;
  });
  if (report?.isShared === true) {
    findings.add({
      code: "host/shared-folder",
      severity: "warning",
      message: `${temporaryParent} is on ${report.fileSystem}, which several machines share: builds with scripts are slow there, or owners of files can't be kept`,
      hint: "name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR",
    });
  }
  return report ?? lookOnly(temporaryParent);
}

/** The folder of images: a file is made there as an image is, and what a sandbox needs is tried. */
export async function examineTarget(
  { folder }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  const target = join(folder, `tsbuild-doctor-${process.pid}.sif`);
  const isWritable = await findings.attempt("error", async () => {
    await checkTarget({ target, force: false, update: false });
    try {
      await using file = await TargetFile.create(target, false);
      await file.file.writeFile(Buffer.alloc(1 << 20));
      await file.file.sync();
    } catch (error) {
      throw writeError(error, target, folder);
    }
    return true;
  });
  if (isWritable !== true) return lookOnly(folder);
  const place = await findings.attempt("warning", () => examineSandboxPlace(folder));
  // SIF files can be made there all the same.
  const told = place?.refusal ?? place?.warning;
  if (told !== undefined) {
    const { code, message, hint } = told;
    findings.add({ code, severity: "warning", message, hint });
  }
  return tryIn(folder, findings);
}

/** The cache, to which something is written; undefined where there is none. */
export async function examineCache(
  { cacheFolder }: ExamineOptions,
  findings: Findings,
): Promise<FolderReport | undefined> {
  if (cacheFolder === undefined) return undefined;
  const folder = await blobFolder({
    cacheFolder,
    temporaryFolder: "",
    listener: (event) => {
      if (event.type !== "warning") return;
      const { code, message, hint } = event;
      findings.add({ code, severity: "warning", message, hint });
    },
  });
  if (folder !== cacheFolder) return undefined;
  const bytes = Buffer.alloc(1 << 18, `doctor ${process.pid} `);
  const digest = sha256Of(bytes);
  await findings.attempt("error", async () => {
    const cache = new BlobCache(cacheFolder);
    try {
      await cache.write(digest, "a trial", chunks(bytes));
    } finally {
      await cache.discard(digest);
    }
  });
  return tryIn(cacheFolder, findings);
}

async function* chunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function tryIn(folder: string, findings: Findings): Promise<FolderReport | undefined> {
  const report = await findings.attempt("warning", async () => {
    await using own = await TemporaryFolder.create(folder);
    return examineFolder(folder, own.folder);
  });
  return report ?? lookOnly(folder);
}

function lookOnly(folder: string): FolderReport | undefined {
  for (let at = folder; ; at = dirname(at)) {
    try {
      return { ...examineFolder(at, undefined), path: folder };
    } catch {
      if (at === dirname(at)) return undefined;
    }
  }
}

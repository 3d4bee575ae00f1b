import { constants } from "node:fs";
import { access, lstat, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, relative } from "node:path";
import { HostError, UsageError } from "../model/error.ts";

interface TargetOptions {
  readonly target: string;
  readonly force: boolean;
  readonly update: boolean;
}

/** A folder with all of these is a sandbox, in Apptainer's eyes and ours. */
const sandboxFolders = [".singularity.d", "dev", "proc", "sys"];

/**
 * Refuses a target that must not be replaced or can't be written, before any work is done. (Apptainer notices a missing
 * folder only after the whole build.)
 * @throws {UsageError} `target/exists`, `target/not-a-sandbox`, `target/in-use`, `target/missing`
 * @throws {HostError} `host/no-folder`, `host/not-writable`
 */
export async function checkTarget({ target, force, update }: TargetOptions): Promise<void> {
  const existing = await lstat(target).catch(() => undefined);
  if (update) await checkUpdate(target, existing?.isDirectory());
  else if (existing !== undefined) {
    if (existing.isDirectory()) {
      refuseFolderInUse(target);
      if (!force) await refuseForeignFolder(target);
    }
    if (!force) {
      throw new UsageError("target/exists", `the target ${target} already exists`, {
        hint: "use --force to replace it; the old one stays until the new one is complete",
      });
    }
  }
  const folder = dirname(target);
  const parent = await lstat(folder).catch(() => undefined);
  if (parent === undefined) {
    throw new HostError("host/no-folder", `the folder ${folder} for the target does not exist`, {
      hint: `make it first: mkdir -p ${folder}`,
    });
  }
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new HostError(
      "host/not-writable",
      `the folder ${folder} for the target can't be written`,
      {
        hint: "choose another place for the image, or ask the folder's owner for the right to write there",
        cause: error,
      },
    );
  });
}

async function checkUpdate(target: string, isDirectory: boolean | undefined): Promise<void> {
  if (isDirectory === true) return;
  throw new UsageError("target/missing", `there is no sandbox ${target} to update`, {
    hint: "build it first, without --update",
  });
}

/** Even `--force` must not take away the folder that the user works in, or the home, or one above them. */
function refuseFolderInUse(target: string): void {
  for (const folder of [process.cwd(), homedir()]) {
    const way = relative(target, folder);
    if (way.startsWith("..") || isAbsolute(way)) continue;
    throw new UsageError(
      "target/in-use",
      `the target ${target} holds ${folder}, so it can't be replaced`,
      {
        hint: "choose another name for the image",
      },
    );
  }
}

async function refuseForeignFolder(target: string): Promise<void> {
  const names = new Set(await readdir(target));
  if (names.size === 0 || sandboxFolders.every((name) => names.has(name))) return;
  throw new UsageError(
    "target/not-a-sandbox",
    `the target ${target} is a folder that is not empty and not a sandbox`,
    { hint: "choose another name, or use --force if the whole folder may go" },
  );
}

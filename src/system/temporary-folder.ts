import { lstat, mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../model/error.ts";
import { atExit } from "./at-exit.ts";
import { isGone, ownIdentity } from "./process-identity.ts";
import { removeFolderTree, removeFolderTreeNow } from "./remove-folder-tree.ts";

// The folder's name says whose it is, so that what a killed run left behind can be told from what is in use:
//
//   tsbuild-HOST-BOOT-PID-START-RANDOM

const namePattern = /^tsbuild-([0-9a-f]{6})-([0-9a-f]{6})-(\d+)-(\d+)-\w{6}$/;

export interface TemporaryFolderOptions {
  /** Leave it behind, for somebody to look at. */
  readonly keep?: boolean | undefined;
}

/** A folder of this process alone (mode 0700), deleted with all that is in it however the process ends. */
export class TemporaryFolder implements AsyncDisposable {
  /** Absolute if the parent was. */
  readonly folder: string;
  readonly #keep: boolean;
  readonly #guard: Disposable;

  private constructor(folder: string, keep: boolean) {
    this.folder = folder;
    this.#keep = keep;
    this.#guard = atExit(() => {
      if (!keep) removeFolderTreeNow(folder);
    });
  }

  /**
   * Makes one in the parent, which must exist. Folders there that runs of ours left behind when they were killed are
   * deleted at the same time, as far as that is allowed.
   * @throws {HostError} `host/temporary-folder`
   */
  static async create(
    parent: string,
    options: TemporaryFolderOptions = {},
  ): Promise<TemporaryFolder> {
    await removeAbandoned(parent);
    const { host, boot, pid, startTicks } = ownIdentity();
    try {
      const folder = await mkdtemp(join(parent, `tsbuild-${host}-${boot}-${pid}-${startTicks}-`));
      return new TemporaryFolder(folder, options.keep === true);
    } catch (error) {
      throw new HostError(
        "host/temporary-folder",
        `can't make a temporary folder in ${parent}: ${error instanceof Error ? error.message : String(error)}`,
        {
          hint: "give a folder that exists and can be written with --tmpdir or TSBUILD_TMPDIR",
          cause: error,
        },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#keep) await removeFolderTree(this.folder);
    this.#guard[Symbol.dispose]();
  }
}

/** Deletes what runs that are certainly gone left in the parent. Says which folders it deleted. */
export async function removeAbandoned(parent: string): Promise<readonly string[]> {
  const removed: string[] = [];
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const [, host = "", boot = "", pid = "", startTicks = ""] = namePattern.exec(name) ?? [];
    if (host === "" || !isGone({ host, boot, pid: Number(pid), startTicks })) continue;
    const folder = join(parent, name);
    try {
      // In a folder that everybody may write to, a name proves nothing.
      const stats = await lstat(folder);
      if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) continue;
      await removeFolderTree(folder);
      removed.push(folder);
    } catch {
      // It belongs to another id map, or another run deletes it at this moment.
    }
  }
  return removed;
}

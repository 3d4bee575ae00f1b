import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "../model/error.ts";
import { atExit } from "./at-exit.ts";
import { keepTidy } from "./keeper.ts";
import { formatOwner, parseOwner } from "./owner-name.ts";
import { isGone, ownIdentity } from "./process-identity.ts";
import { removeFolderTree, removeFolderTreeNow } from "./remove-folder-tree.ts";

// The folder's name says whose it is, so that what a killed run left behind can be told from what is in use:
//
//   tsbuild-HOST-BOOT-PID-START-RANDOM

const namePattern = /^tsbuild-(.+)-\w{6}$/;

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
  readonly #keeper: Disposable | undefined;

  private constructor(folder: string, keep: boolean, keeper: Disposable | undefined) {
    this.folder = folder;
    this.#keep = keep;
    this.#keeper = keeper;
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
    const random = randomBytes(3).toString("hex");
    const folder = join(parent, `tsbuild-${formatOwner(ownIdentity())}-${random}`);
    const keep = options.keep === true;
    // Before there is anything to keep: we may be killed at any moment.
    const keeper = keep ? undefined : keepTidy("path", folder);
    try {
      await mkdir(folder, { mode: 0o700 });
      const { uid } = await lstat(folder);
      if (uid !== process.geteuid?.()) await removeAbandoned(parent, uid);
      return new TemporaryFolder(folder, keep, keeper);
    } catch (error) {
      keeper?.[Symbol.dispose]();
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
    // What somebody still has open goes when we are gone, or with the next run.
    const isGone = this.#keep || (await removeFolderTree(this.folder));
    this.#guard[Symbol.dispose]();
    if (isGone) this.#keeper?.[Symbol.dispose]();
  }
}

/**
 * Deletes what runs that are certainly gone left in the parent. Says which folders it deleted.
 * @param ownUid whose folders are ours there: a file server may take root for somebody else
 */
export async function removeAbandoned(
  parent: string,
  ownUid = process.geteuid?.(),
): Promise<readonly string[]> {
  const removed: string[] = [];
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const owner = parseOwner(namePattern.exec(name)?.[1] ?? "");
    if (owner === undefined || !isGone(owner)) continue;
    const folder = join(parent, name);
    try {
      // In a folder that everybody may write to, a name proves nothing.
      const stats = await lstat(folder);
      if (!stats.isDirectory() || stats.uid !== ownUid) continue;
      if (await removeFolderTree(folder)) removed.push(folder);
    } catch {
      // It belongs to another id map, or another run deletes it at this moment.
    }
  }
  return removed;
}

import { randomBytes } from "node:crypto";
import { unlinkSync } from "node:fs";
import { lstat, open, readdir, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UsageError } from "../model/error.ts";
import { atExit } from "../system/at-exit.ts";
import { keepTidy } from "../system/keeper.ts";
import { formatOwner, parseOwner } from "../system/owner-name.ts";
import { isGone, ownIdentity } from "../system/process-identity.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { takePlace } from "../system/take-place.ts";

// A file that is not finished lies beside its target, where a rename puts it in place in one step. Its name says whose
// it is:
//
//   .tsbuild-image-HOST-BOOT-PID-START-RANDOM

const namePattern = /^\.tsbuild-image-(.+)-[0-9a-f]{8}$/;

/** A file on its way to its name: it appears there whole, or not at all. */
export class TargetFile implements AsyncDisposable {
  readonly target: string;
  readonly folder: string;
  /** Where it is until it is committed. */
  readonly temporary: string;
  readonly file: FileHandle;
  readonly #guard: Disposable;
  readonly #keeper: Disposable;
  #isCommitted = false;
  #isClosed = false;

  private constructor(target: string, temporary: string, file: FileHandle, keeper: Disposable) {
    this.target = target;
    this.#keeper = keeper;
    this.folder = dirname(target);
    this.temporary = temporary;
    this.file = file;
    this.#guard = atExit(() => unlinkSync(temporary));
  }

  /**
   * Makes one, empty and with the rights that a program has (0777 less the umask). What runs that were killed left in
   * the folder is deleted at the same time.
   * @throws the system's errors, and {UsageError} `target/exists`
   */
  static async create(target: string, force: boolean): Promise<TargetFile> {
    if (!force) await refuseExisting(target);
    const folder = dirname(target);
    await removeAbandonedImages(folder);
    const random = randomBytes(4).toString("hex");
    const name = `.tsbuild-image-${formatOwner(ownIdentity())}-${random}`;
    const temporary = join(folder, name);
    const keeper = keepTidy("path", temporary);
    try {
      return new TargetFile(target, temporary, await open(temporary, "wx+", 0o777), keeper);
    } catch (error) {
      keeper[Symbol.dispose]();
      throw error;
    }
  }

  /** Puts the file in its place, on the disk and not only in memory. */
  async commit(force: boolean): Promise<void> {
    await this.file.sync();
    await this.#close();
    if (!force) await refuseExisting(this.target);
    const old = await takePlace(this.temporary, this.target);
    this.#isCommitted = true;
    this.#guard[Symbol.dispose]();
    this.#keeper[Symbol.dispose]();
    if (old !== undefined) await removeFolderTree(old);
    await syncFolder(this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    if (this.#isCommitted) return;
    await unlink(this.temporary).catch(() => {});
    this.#guard[Symbol.dispose]();
    this.#keeper[Symbol.dispose]();
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.file.close();
  }
}

/** Deletes what runs that are certainly gone left in a folder, as far as that is allowed. */
export async function removeAbandonedImages(folder: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = parseOwner(namePattern.exec(name)?.[1] ?? "");
    if (owner === undefined || !isGone(owner)) continue;
    const path = join(folder, name);
    try {
      // In a folder that everybody may write to, a name proves nothing.
      const stats = await lstat(path);
      if (stats.uid !== process.geteuid?.()) continue;
      if (stats.isDirectory()) await removeFolderTree(path);
      else await unlink(path);
      removed.push(path);
    } catch {
      // Another run deletes it at this moment, or it is not ours to delete.
    }
  }
  return removed;
}

async function refuseExisting(target: string): Promise<void> {
  const existing = await lstat(target).catch(() => undefined);
  if (existing === undefined) return;
  throw new UsageError("target/exists", `the target ${target} already exists`, {
    hint: `use --force to replace it, or choose another name than ${basename(target)}`,
  });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } catch {
    // Some network file systems have no such thing; the image itself is on the disk.
  } finally {
    await handle.close();
  }
}

import { constants, copyFileSync, linkSync, statfsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Ability } from "../isolation/try-folder.ts";
import { mountOptions } from "../system/mount-options.ts";
import { SystemCallError, setXattr } from "../system/syscalls.ts";
import { fileSystemName, isShared } from "../system/file-system-name.ts";

/** What a folder's file system is and can do. */
export interface FolderReport {
  readonly path: string;
  readonly fileSystem: string;
  /** Whether other machines see it too: then it is slow with many files, and owners may not be kept. */
  readonly isShared: boolean;
  readonly freeBytes: number;
  /** Undefined where the file system makes them as needed. */
  readonly freeInodes: number | undefined;
  /** Of the mount. */
  readonly options: readonly string[];
  /** Undefined where nothing could be tried. */
  readonly abilities:
    | {
        readonly symlinks: boolean;
        readonly hardLinks: boolean;
        readonly attributes: boolean;
        /** A copy takes no room until one of the two is changed. */
        readonly sharedCopies: boolean;
        readonly programs: boolean;
      }
    | undefined;
  /** Whether scripts could have there what they need, each tried as the user that they would be. */
  readonly forScripts?: Readonly<Partial<Record<Ability, boolean>>> | undefined;
}

/**
 * Looks at a folder that exists.
 * @param trial an empty folder in it for trials, if one could be made
 */
export function examineFolder(path: string, trial: string | undefined): FolderReport {
  const stats = statfsSync(path, { bigint: true });
  const options = mountOptions(path);
  return {
    path,
    fileSystem: fileSystemName(stats.type),
    isShared: isShared(stats.type),
    freeBytes: Number(stats.bavail * stats.bsize),
    freeInodes: stats.files === 0n ? undefined : Number(stats.ffree),
    options,
    abilities: trial === undefined ? undefined : abilitiesIn(trial, options),
  };
}

function abilitiesIn(
  folder: string,
  options: readonly string[],
): NonNullable<FolderReport["abilities"]> {
  const file = join(folder, "file");
  return {
    symlinks: works(() => symlinkSync("nowhere", join(folder, "link"))),
    hardLinks: works(() => {
      writeFileSync(file, "x");
      linkSync(file, join(folder, "second"));
    }),
    attributes: works(() => setXattr(Buffer.from(file), "user.tsbuild", Buffer.from("x"))),
    sharedCopies: works(() => {
      copyFileSync(file, join(folder, "copy"), constants.COPYFILE_FICLONE_FORCE);
    }),
    programs: !options.includes("noexec"),
  };
}

function works(trial: () => void): boolean {
  try {
    trial();
    return true;
  } catch (error) {
    if (error instanceof SystemCallError || (error instanceof Error && "syscall" in error)) {
      return false;
    }
    throw error;
  }
}

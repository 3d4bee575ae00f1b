import { constants } from "node:fs";
import { chmod, chown, copyFile, realpath, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { SifPatch } from "../sif/sif-patch.ts";
import { SifFile } from "../sif/sif-file.ts";
import { writeAt } from "../sif/write-at.ts";
import { TargetFile } from "./target-file.ts";
import { writeError } from "./write-error.ts";

/**
 * Changes an image. `edit` is given the image as it is and the file to write new data into, and says which bytes of the
 * tables become others, or undefined for "nothing". A copy is changed, checked and put in the image's place: the old one
 * is never half changed, which costs its bytes once more on a file system that can't share them between files.
 *
 * @throws {FormatError} `sif/not-sif`, `sif/damaged`, and what `edit` throws
 * @throws {HostError} `host/file-unreadable`, `host/no-space`, `host/not-writable`, `host/write-failed`
 */
export async function editSif(
  path: string,
  edit: (image: SifFile, file: FileHandle) => Promise<readonly SifPatch[]>,
): Promise<void> {
  await using image = await SifFile.read(path);
  // What a link leads to is changed, and the link stays.
  const target = await realpath(path);
  try {
    await using copy = await TargetFile.create(target, true);
    const { mode, uid, gid } = await stat(target);
    await copyFile(target, copy.temporary, constants.COPYFILE_FICLONE);
    const patches = await edit(image, copy.file);
    if (patches.length === 0) return;
    for (const { position, bytes } of patches) await writeAt(copy.file, bytes, position);
    await (await SifFile.read(copy.temporary)).close();
    // Another's image stays another's where root changes it; where that may not be, it is ours like any new file.
    await chown(copy.temporary, uid, gid).catch(() => {});
    await chmod(copy.temporary, mode & 0o7777);
    await copy.commit(true);
  } catch (error) {
    throw writeError(error, target, dirname(target));
  }
}

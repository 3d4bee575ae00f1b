// The notes of fuse-overlayfs(1), as versions 1.10 to 1.16 leave them:
//
//   a character device 0:0            the name is gone, which the merged view says as well
//   .wh.NAME, an empty file, 0700     NAME is gone, where such a device can't be made
//   .wh..wh..opq, and other .wh..…    nothing of the lower layer shows in this directory
//   …overlay.opaque, ….opaque         the same, as an attribute of the directory: `trusted.overlay.` of the machine's root,
//                                     `user.fuseoverlayfs.` of others; `user.overlay.` is believed too
//   user.fuseoverlayfs.origin         of a file: the path from which it was copied up
//
// Scripts can't create a file with such a name, but can rename something to one, or make a directory.

import { lstatSync } from "node:fs";
import { displayName } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import { getXattr, listXattrs, terminated } from "../system/syscalls.ts";
import type { UpperNotes } from "./upper-notes.ts";

/** What the names of notes start with. */
export const notesPrefix = ".wh.";

const opaqueName = ".wh..wh..opq";
const originAttribute = "user.fuseoverlayfs.origin";

export const fuseNotes: UpperNotes = {
  about(name, path) {
    if (!name.startsWith(notesPrefix)) return undefined;
    const stat = lstatSync(path);
    if (stat.isCharacterDevice() && stat.rdev === 0) return "";
    if (!stat.isFile() || stat.size > 0 || (stat.mode & 0o7777) !== 0o700) {
      throw reservedName(name);
    }
    return name === opaqueName ? "" : name.slice(notesPrefix.length);
  },
  marks(directory) {
    const path = terminated(directory);
    const isMarked = listXattrs(path).some(
      (name) =>
        /^(?:trusted\.overlay|user\.overlay|user\.fuseoverlayfs)\.opaque$/.test(name) &&
        getXattr(path, name).toString("latin1") === "y",
    );
    const mark = Buffer.concat([directory, Buffer.from(`/${opaqueName}`)]);
    return { isOpaque: isMarked || lstatSync(mark, { throwIfNoEntry: false }) !== undefined };
  },
  losesTimes: true,
  losesGroups: true,
};

/** Where a file of the upper layer was copied from, without a leading slash. @param file with `pathBuffer` */
export function originOf(file: Buffer): string | undefined {
  const path = terminated(file);
  if (!listXattrs(path).includes(originAttribute)) return undefined;
  return getXattr(path, originAttribute).toString("latin1").replace(/\0$/, "");
}

/** What is thrown for a name that a script has made and that would be read as a note. */
export function reservedName(name: string): HostError {
  return new HostError(
    "folder/reserved-name",
    `a script has made a file named ${displayName(name)}, which to fuse-overlayfs means that another one is gone`,
    { hint: "build again with --copy-base" },
  );
}

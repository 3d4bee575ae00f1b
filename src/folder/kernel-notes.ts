// The notes of the kernel's overlay (Documentation/filesystems/overlayfs.rst). What is gone is a name that the merged view
// lacks. Marks of directories are extended attributes of the upper layer's, which the merged view doesn't show: `trusted.`
// where the machine's root has mounted it, `user.` elsewhere.

import type { ByteString } from "../model/bytes-path.ts";
import { getXattr, listXattrs, terminated } from "../system/syscalls.ts";
import type { UpperNotes } from "./upper-notes.ts";

export const kernelNotes: UpperNotes = {
  about: () => undefined,
  marks(directory) {
    const path = terminated(directory);
    const marks = new Map<string, ByteString>();
    for (const attribute of listXattrs(path)) {
      const [, mark] = /^(?:trusted|user)\.overlay\.(opaque|redirect)$/.exec(attribute) ?? [];
      if (mark !== undefined) marks.set(mark, getXattr(path, attribute).toString("latin1"));
    }
    return { isOpaque: marks.get("opaque") === "y", from: marks.get("redirect") };
  },
  losesTimes: false,
  losesGroups: false,
};

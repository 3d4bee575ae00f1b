import { isInitialNamespace } from "../isolation/entry-mark.ts";
import { setXattr, SystemCallError } from "../system/syscalls.ts";

/**
 * Why a folder can't be the upper layer of a kernel's overlay, if so. The kernel mounts such an overlay, but in it a
 * directory of the lower layer can be neither removed nor replaced: that is noted by an attribute of `user.` outside of
 * the machine's own user namespace, which ramfs doesn't have, nor tmpfs before Linux 6.6.
 */
export function upperRefusal(folder: string): string | undefined {
  if (process.geteuid?.() === 0 && isInitialNamespace()) return undefined;
  try {
    setXattr(Buffer.from(folder), "user.overlay.trial", Buffer.from("y"));
    return undefined;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return `the file system of the temporary folder has no attributes (user.*) to note in what was removed: ${error.code}`;
  }
}

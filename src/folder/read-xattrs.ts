import type { ByteString } from "../model/bytes-path.ts";
import { getXattr, listXattrs, SystemCallError } from "../system/syscalls.ts";

/**
 * Whether an extended attribute belongs to the file and so into an image. Labels of SELinux and hashes bound to this
 * machine (EVM) don't, nor do the notes that an overlay makes about its layers.
 */
export function belongsInImage(name: ByteString): boolean {
  if (name.startsWith("user.")) return !name.startsWith("user.overlay.");
  if (name.startsWith("trusted.")) return !name.startsWith("trusted.overlay.");
  return name.startsWith("security.") && name !== "security.selinux" && name !== "security.evm";
}

/**
 * The extended attributes of what is at the path (a symlink itself) that belong into an image, in the order of their
 * names; undefined when there are none.
 * @param path its bytes with a final NUL
 * @throws {SystemCallError}
 */
export function readXattrs(path: Buffer): ReadonlyMap<ByteString, Uint8Array> | undefined {
  const names = listXattrs(path);
  if (names.length === 0) return undefined;
  const xattrs = new Map<ByteString, Uint8Array>();
  // The order on disk is that of a hash table.
  for (const name of names.filter(belongsInImage).toSorted()) {
    try {
      xattrs.set(name, getXattr(path, name));
    } catch (error) {
      // Listed, but gone or not to be had: some file systems list what they don't give (an attribute of another user).
      if (!(error instanceof SystemCallError && ["ENODATA", "ENOTSUP"].includes(error.code))) {
        throw error;
      }
    }
  }
  return xattrs.size === 0 ? undefined : xattrs;
}

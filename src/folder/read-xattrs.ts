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
      const value = getXattr(path, name);
      xattrs.set(name, name === "security.capability" ? withoutOwnNamespace(value) : value);
    } catch (error) {
      // Listed, but gone or not to be had: some file systems list what they don't give (an attribute of another user).
      if (!(error instanceof SystemCallError && ["ENODATA", "ENOTSUP"].includes(error.code))) {
        throw error;
      }
    }
  }
  return xattrs.size === 0 ? undefined : xattrs;
}

/**
 * A file capability as an image should hold it. One that was set in a user namespace has a third form, valid only where
 * that namespace's root is root: in an image it would help nobody. If that root is us, we set it ourselves or had it set,
 * and the usual second form says what was meant (capabilities(7), "File capability extended attribute versioning").
 *
 *   u32 magic: revision in the top byte, flags · 2 × (u32 permitted, u32 inheritable) · u32 root's id, third form only
 */
export function withoutOwnNamespace(value: Buffer, ownUid = process.geteuid?.()): Buffer {
  const revision = value.length === 24 ? value.readUInt32LE(0) >>> 24 : 0;
  if (revision !== 3 || value.readUInt32LE(20) !== ownUid) return value;
  const second = Buffer.from(value.subarray(0, 20));
  second.writeUInt32LE(((value.readUInt32LE(0) & 0x00ff_ffff) | 0x0200_0000) >>> 0, 0);
  return second;
}

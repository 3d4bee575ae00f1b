// Numbers from the kernel's magic.h and from the sources of those that are not in it, as statfs(2) gives them.

const names: ReadonlyMap<bigint, string> = new Map([
  [0xef53n, "ext4"],
  [0x5846_5342n, "xfs"],
  [0x9123_683en, "btrfs"],
  [0x2fc1_2fc1n, "zfs"],
  [0xca45_1a4en, "bcachefs"],
  [0xf2f5_2010n, "f2fs"],
  [0x0102_1994n, "tmpfs"],
  [0x8584_58f6n, "ramfs"],
  [0x794c_7630n, "overlay"],
  [0x7371_7368n, "squashfs"],
  [0x9fa0n, "proc"],
  [0x4d44n, "fat"],
  [0x2011_bab0n, "exfat"],
  [0x5346_544en, "ntfs"],
  [0x6573_5546n, "fuse"],
  [0x6969n, "nfs"],
  [0x0bd0_0bd0n, "lustre"],
  [0x4750_4653n, "gpfs"],
  [0x1983_0326n, "beegfs"],
  [0x00c3_6400n, "ceph"],
  [0xff53_4d42n, "cifs"],
  [0xfe53_4d42n, "smb"],
  [0x517bn, "smb"],
  [0x0102_1997n, "9p"],
  [0x5346_414fn, "afs"],
  [0x7461_636fn, "ocfs2"],
  [0x0116_1970n, "gfs2"],
  [0xaad7_aaean, "panfs"],
  [0x2030_3031n, "orangefs"],
]);

const shared = new Set(
  "nfs lustre gpfs beegfs ceph cifs smb 9p afs ocfs2 gfs2 panfs orangefs".split(" "),
);

/** What a file system is called, by its number: in hexadecimal where it is not known. */
export function fileSystemName(type: bigint): string {
  const number = BigInt.asUintN(32, type);
  return names.get(number) ?? `0x${number.toString(16)}`;
}

/** Whether several machines work on it. Behind FUSE there may be such a one as well, which can't be told. */
export function isShared(type: bigint): boolean {
  return shared.has(fileSystemName(type));
}

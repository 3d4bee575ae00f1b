// How a file looks to a program: struct statx, as the kernel fills it in for us, and the older struct stat, which we make of
// it for others (statx(2), stat(2); include/uapi/linux/stat.h, arch/x86/include/uapi/asm/stat.h, asm-generic/stat.h).

import type { Device, InodeStat } from "../folder/ledger.ts";
import { makeDevice } from "../system/syscalls.ts";

export const statxBytes = 256;

/** The basic fields, the time of birth and the mount: STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID. */
export const statxMask = 0x1fff;

// struct statx
const at = {
  linkCount: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  inode: 32,
  size: 40,
  blocks: 48,
  blockSize: 4,
  accessTime: 64,
  birthTime: 80,
  changeTime: 96,
  modifyTime: 112,
  deviceMajor: 128,
  deviceMinor: 132,
  fileSystemMajor: 136,
  fileSystemMinor: 140,
  mount: 144,
};

/** What the ledger asks about an inode. */
export function inodeOf(statx: Buffer): InodeStat {
  return {
    dev: makeDevice(statx.readUInt32LE(at.fileSystemMajor), statx.readUInt32LE(at.fileSystemMinor)),
    ino: statx.readBigUInt64LE(at.inode),
    mode: BigInt(modeOf(statx)),
    uid: BigInt(statx.readUInt32LE(at.uid)),
    gid: BigInt(statx.readUInt32LE(at.gid)),
    size: statx.readBigUInt64LE(at.size),
    mtimeNs: timeOf(statx, at.modifyTime),
    birthtimeNs: timeOf(statx, at.birthTime),
  };
}

/** The inode's number, or the lower half of a large one. */
export const inodeNumberOf = (statx: Buffer): number => statx.readUInt32LE(at.inode);

/** Tells mounts apart, those of other mount namespaces too; 0 before Linux 5.8. */
export const mountOf = (statx: Buffer): bigint => statx.readBigUInt64LE(at.mount);

/** Whether root is owner and group. */
export const isRootsOf = (statx: Buffer): boolean =>
  statx.readUInt32LE(at.uid) === 0 && statx.readUInt32LE(at.gid) === 0;

/** Type and permissions. */
export const modeOf = (statx: Buffer): number => statx.readUInt16LE(at.mode);

const timeOf = (statx: Buffer, offset: number): bigint =>
  statx.readBigInt64LE(offset) * 1_000_000_000n + BigInt(statx.readUInt32LE(offset + 8));

/** Puts an owner, and a device in a placeholder's place, into it. */
export function changeStatx(
  statx: Buffer,
  owner: { readonly uid: number; readonly gid: number },
  device: Device | undefined,
): void {
  statx.writeUInt32LE(owner.uid, at.uid);
  statx.writeUInt32LE(owner.gid, at.gid);
  if (device === undefined) return;
  const type = device.type === "block-device" ? 0o060_000 : 0o020_000;
  statx.writeUInt16LE((modeOf(statx) & 0o7777) | type, at.mode);
  statx.writeUInt32LE(device.major, at.deviceMajor);
  statx.writeUInt32LE(device.minor, at.deviceMinor);
}

/** The struct stat of an architecture, by the name of its table of system calls. */
export function statOf(statx: Buffer, architecture: string): Buffer {
  const isX86 = architecture === "x86_64";
  const stat = Buffer.alloc(isX86 ? 144 : 128);
  const device = (offset: number): bigint =>
    makeDevice(statx.readUInt32LE(offset), statx.readUInt32LE(offset + 4));
  stat.writeBigUInt64LE(device(at.fileSystemMajor), 0);
  statx.copy(stat, 8, at.inode, at.inode + 8);
  const mode = modeOf(statx);
  const links = statx.readUInt32LE(at.linkCount);
  if (isX86) {
    stat.writeBigUInt64LE(BigInt(links), 16);
    stat.writeUInt32LE(mode, 24);
    statx.copy(stat, 28, at.uid, at.uid + 8);
    stat.writeBigUInt64LE(device(at.deviceMajor), 40);
    statx.copy(stat, 48, at.size, at.size + 8);
    stat.writeBigUInt64LE(BigInt(statx.readUInt32LE(at.blockSize)), 56);
    statx.copy(stat, 64, at.blocks, at.blocks + 8);
  } else {
    stat.writeUInt32LE(mode, 16);
    stat.writeUInt32LE(links, 20);
    statx.copy(stat, 24, at.uid, at.uid + 8);
    stat.writeBigUInt64LE(device(at.deviceMajor), 32);
    statx.copy(stat, 48, at.size, at.size + 8);
    stat.writeUInt32LE(statx.readUInt32LE(at.blockSize), 56);
    statx.copy(stat, 64, at.blocks, at.blocks + 8);
  }
  for (const [index, time] of [at.accessTime, at.modifyTime, at.changeTime].entries()) {
    // Seconds, then nanoseconds in 8 bytes where statx has 4.
    statx.copy(stat, 72 + 16 * index, time, time + 12);
  }
  return stat;
}

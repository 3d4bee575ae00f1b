import { FormatError } from "../model/error.ts";
import { magic, metadataBlockBytes, noTable, superblockBytes } from "./format.ts";

/** The head of an image. Positions are undefined where the image has no such table. */
export interface Superblock {
  readonly inodeCount: number;
  readonly timeSeconds: number;
  readonly blockSizeBytes: number;
  readonly fragmentCount: number;
  readonly compressorId: number;
  readonly flags: number;
  readonly idCount: number;
  /** An inode reference: block position × 2¹⁶ + offset. */
  readonly rootInode: number;
  /** Without the padding. */
  readonly usedBytes: number;
  readonly idTable: number;
  readonly xattrTable: number | undefined;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number;
  readonly exportTable: number | undefined;
}

export function encodeSuperblock(superblock: Superblock): Buffer {
  const bytes = Buffer.alloc(superblockBytes);
  const position = (at: number, value: number | undefined) =>
    bytes.writeBigUInt64LE(value === undefined ? noTable : BigInt(value), at);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(superblock.inodeCount, 4);
  bytes.writeUInt32LE(superblock.timeSeconds, 8);
  bytes.writeUInt32LE(superblock.blockSizeBytes, 12);
  bytes.writeUInt32LE(superblock.fragmentCount, 16);
  bytes.writeUInt16LE(superblock.compressorId, 20);
  bytes.writeUInt16LE(Math.log2(superblock.blockSizeBytes), 22);
  bytes.writeUInt16LE(superblock.flags, 24);
  bytes.writeUInt16LE(superblock.idCount, 26);
  bytes.writeUInt16LE(4, 28);
  bytes.writeUInt16LE(0, 30);
  position(32, superblock.rootInode);
  position(40, superblock.usedBytes);
  position(48, superblock.idTable);
  position(56, superblock.xattrTable);
  position(64, superblock.inodeTable);
  position(72, superblock.directoryTable);
  position(80, superblock.fragmentTable);
  position(88, superblock.exportTable);
  return bytes;
}

/**
 * Reads a head and checks what it says against what there is.
 * @param bytes at least 96
 * @param sizeBytes how long the image can be at most
 * @throws {FormatError} `squashfs/not-squashfs`, `squashfs/unsupported`, `squashfs/damaged`
 */
export function decodeSuperblock(bytes: Buffer, sizeBytes: number, name: string): Superblock {
  if (bytes.length < superblockBytes || bytes.readUInt32LE(0) !== magic) {
    throw new FormatError("squashfs/not-squashfs", `${name} does not start like SquashFS`, {
      hint: "check that this is the image that you mean",
    });
  }
  const major = bytes.readUInt16LE(28);
  const minor = bytes.readUInt16LE(30);
  if (major !== 4 || minor !== 0) {
    throw new FormatError("squashfs/unsupported", `${name} is SquashFS ${major}.${minor}`, {
      hint: "only SquashFS 4.0 is supported; pack the image again with current tools",
    });
  }
  const damaged = (what: string) =>
    new FormatError("squashfs/damaged", `${name} is damaged: ${what}`, {
      hint: "the file may have been cut while it was copied; fetch it again",
    });
  const usedBytes = Number(bytes.readBigUInt64LE(40));
  if (usedBytes > sizeBytes || usedBytes < superblockBytes) {
    throw damaged(`it should have ${usedBytes} bytes, and ${sizeBytes} are there`);
  }
  const position = (at: number, what: string) => {
    const value = Number(bytes.readBigUInt64LE(at));
    if (value < superblockBytes || value >= usedBytes) {
      throw damaged(`the ${what} is said to be at ${value}`);
    }
    return value;
  };
  const optional = (at: number, what: string) =>
    bytes.readBigUInt64LE(at) === noTable ? undefined : position(at, what);
  const blockSizeBytes = bytes.readUInt32LE(12);
  const blockLog = bytes.readUInt16LE(22);
  if (blockLog < 12 || blockLog > 20 || blockSizeBytes !== 2 ** blockLog) {
    throw damaged(`blocks of ${blockSizeBytes} bytes`);
  }
  const superblock: Superblock = {
    inodeCount: bytes.readUInt32LE(4),
    timeSeconds: bytes.readUInt32LE(8),
    blockSizeBytes,
    fragmentCount: bytes.readUInt32LE(16),
    compressorId: bytes.readUInt16LE(20),
    flags: bytes.readUInt16LE(24),
    idCount: bytes.readUInt16LE(26),
    rootInode: Number(bytes.readBigUInt64LE(32)),
    usedBytes,
    idTable: position(48, "table of owners"),
    xattrTable: optional(56, "table of extended attributes"),
    inodeTable: position(64, "inode table"),
    directoryTable: position(72, "directory table"),
    // Without fragments the field may hold anything.
    fragmentTable: bytes.readUInt32LE(16) === 0 ? 0 : position(80, "fragment table"),
    exportTable: optional(88, "export table"),
  };
  if (superblock.inodeTable >= superblock.directoryTable) throw damaged("its tables overlap");
  if (superblock.rootInode % 65536 >= metadataBlockBytes) throw damaged("its root is nowhere");
  if (superblock.idCount === 0) throw damaged("it has no owners");
  return superblock;
}

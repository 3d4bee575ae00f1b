// SquashFS 4.0 in numbers. The format as the Linux kernel reads it: fs/squashfs/squashfs_fs.h.
//
//   superblock            96 bytes
//   compressor options    a metadata block, where they are not the default ones
//   data and fragments    blocks of files, and blocks of many small files together
//   inode table           ┐
//   directory table       │ metadata blocks: 2 bytes of length, then 8192 bytes, compressed
//   fragment table        │ (a table that is looked up by number has an index of its blocks' positions behind it)
//   id table              │
//   xattr table           ┘
//   zeros up to a multiple of 4096
//
// All numbers are little-endian, all positions count from the superblock.

export const superblockBytes = 96;
/** `hsqs` */
export const magic = 0x73717368;
export const paddingBytes = 4096;
export const metadataBlockBytes = 8192;

/** A position or number that stands for "there is none". */
export const noTable = 0xffff_ffff_ffff_ffffn;
export const none = 0xffff_ffff;

/** In the length of a data or fragment block: the block is stored as it is. */
export const storedDataBit = 0x100_0000;
/** In the length of a metadata block. */
export const storedMetadataBit = 0x8000;

export const compressorIds = { gzip: 1, lzma: 2, lzo: 3, xz: 4, lz4: 5, zstd: 6 } as const;

export const flags = {
  inodesStored: 0x0001,
  dataStored: 0x0002,
  fragmentsStored: 0x0008,
  duplicatesShared: 0x0040,
  xattrsStored: 0x0100,
  compressorOptions: 0x0400,
  idsStored: 0x0800,
} as const;

/** Types of inodes; the same kind with more fields is 7 higher. */
export const inodeTypes = {
  directory: 1,
  file: 2,
  symlink: 3,
  "block-device": 4,
  "character-device": 5,
  fifo: 6,
  socket: 7,
} as const;
export const extended = 7;

/** Prefixes of extended attributes, by their number in the format. There are no others. */
export const xattrPrefixes = ["user.", "trusted.", "security."] as const;

export const limits = {
  nameBytes: 255,
  /** Linux gives an error for longer ones since 6.11. */
  symlinkBytes: 4095,
  /** The highest user or group number; the one above stands for nobody at all. */
  id: 0xffff_fffe,
  /** Distinct users and groups. */
  ids: 65535,
  major: 0xfff,
  minor: 0xf_ffff,
  xattrNameBytes: 255,
  xattrValueBytes: 65536,
  /** Runs of a directory listing hold at most this many entries. */
  runEntries: 256,
  seconds: 0xffff_ffff,
  /** References hold the position of a metadata block within its table in 32 bits. */
  tableBytes: 0xffff_ffff,
} as const;

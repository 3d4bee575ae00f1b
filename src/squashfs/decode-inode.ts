import { extended, inodeTypes, limits, none } from "./format.ts";
import type { ImageReader } from "./image-reader.ts";
import type { MetadataTable } from "./metadata-table.ts";

/** What every inode says; `encode-inode.ts` has the layout. */
interface Head {
  readonly mode: number;
  /** Numbers in the id table. */
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly number: number;
  readonly links: number;
  /** Number of its set of extended attributes, or `none`. */
  readonly xattrs: number;
}

export type DecodedInode = Head &
  (
    | {
        readonly type: "directory";
        readonly listingBlock: number;
        readonly listingOffset: number;
        readonly listingBytes: number;
      }
    | {
        readonly type: "file";
        readonly start: number;
        readonly sizeBytes: number;
        readonly fragment: number;
        readonly fragmentOffset: number;
        readonly blocks: Uint32Array;
      }
    | { readonly type: "symlink"; readonly target: string }
    | {
        readonly type: "block-device" | "character-device";
        readonly major: number;
        readonly minor: number;
      }
    | { readonly type: "fifo" | "socket" }
  );

const typeNames = new Map(Object.entries(inodeTypes).map(([name, type]) => [type, name])) as Map<
  number,
  keyof typeof inodeTypes
>;

/**
 * The inode at a place in the table.
 * @throws {FormatError} `squashfs/damaged`
 */
export function decodeInode(
  table: MetadataTable,
  at: number,
  blockSizeBytes: number,
  image: ImageReader,
): DecodedInode {
  const head = table.slice(at, 16);
  const number = head.readUInt16LE(0);
  const isExtended = number > extended;
  const type = typeNames.get(isExtended ? number - extended : number);
  if (type === undefined) throw image.damaged(`it has an inode of type ${number}`);
  const common = {
    // The type bits are not part of the mode, but some writers put them there.
    mode: head.readUInt16LE(2) % 0o10000,
    uid: head.readUInt16LE(4),
    gid: head.readUInt16LE(6),
    mtimeSeconds: head.readUInt32LE(8),
    number: head.readUInt32LE(12),
  };
  const body = at + 16;
  if (type === "directory") {
    return { ...common, type, ...decodeDirectory(table, body, isExtended) };
  }
  if (type === "file") {
    return { ...common, type, ...decodeFile(table, body, isExtended, blockSizeBytes, image) };
  }
  if (type === "symlink") {
    return { ...common, type, ...decodeSymlink(table, body, isExtended, image) };
  }
  if (type === "fifo" || type === "socket") {
    const fixed = table.slice(body, isExtended ? 8 : 4);
    return {
      ...common,
      type,
      links: fixed.readUInt32LE(0),
      xattrs: isExtended ? fixed.readUInt32LE(4) : none,
    };
  }
  return { ...common, type, ...decodeDevice(table, body, isExtended) };
}

function decodeSymlink(table: MetadataTable, at: number, isExtended: boolean, image: ImageReader) {
  const fixed = table.slice(at, 8);
  const length = fixed.readUInt32LE(4);
  // Longer ones can't be used, and have no business in memory.
  if (length > limits.symlinkBytes + 1) throw image.damaged(`it has a symlink of ${length} bytes`);
  return {
    links: fixed.readUInt32LE(0),
    target: table.slice(at + 8, length).toString("latin1"),
    xattrs: isExtended ? table.slice(at + 8 + length, 4).readUInt32LE(0) : none,
  };
}

function decodeDevice(table: MetadataTable, at: number, isExtended: boolean) {
  const fixed = table.slice(at, isExtended ? 12 : 8);
  const device = fixed.readUInt32LE(4);
  return {
    links: fixed.readUInt32LE(0),
    major: Math.floor(device / 256) % 4096,
    minor: Math.floor(device / 2 ** 20) * 256 + (device % 256),
    xattrs: isExtended ? fixed.readUInt32LE(8) : none,
  };
}

function decodeDirectory(table: MetadataTable, at: number, isExtended: boolean) {
  const fixed = table.slice(at, isExtended ? 24 : 16);
  const size = isExtended ? fixed.readUInt32LE(4) : fixed.readUInt16LE(8);
  return {
    links: fixed.readUInt32LE(isExtended ? 0 : 4),
    listingBlock: fixed.readUInt32LE(isExtended ? 8 : 0),
    listingOffset: fixed.readUInt16LE(isExtended ? 18 : 10),
    // Three bytes too many by design; an empty one may also say 0.
    listingBytes: Math.max(0, size - 3),
    xattrs: isExtended ? fixed.readUInt32LE(20) : none,
  };
}

function decodeFile(
  table: MetadataTable,
  at: number,
  isExtended: boolean,
  blockSizeBytes: number,
  image: ImageReader,
) {
  const fixed = table.slice(at, isExtended ? 40 : 16);
  const sizeBytes = isExtended ? Number(fixed.readBigUInt64LE(8)) : fixed.readUInt32LE(12);
  const fragment = fixed.readUInt32LE(isExtended ? 28 : 4);
  if (!Number.isSafeInteger(sizeBytes)) throw image.damaged(`it has a file of ${sizeBytes} bytes`);
  const count =
    fragment === none
      ? Math.ceil(sizeBytes / blockSizeBytes)
      : Math.floor(sizeBytes / blockSizeBytes);
  const words = table.slice(at + fixed.length, 4 * count);
  const blocks = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) blocks[index] = words.readUInt32LE(4 * index);
  return {
    start: isExtended ? Number(fixed.readBigUInt64LE(0)) : fixed.readUInt32LE(0),
    sizeBytes,
    links: isExtended ? fixed.readUInt32LE(24) : 1,
    fragment,
    fragmentOffset: fixed.readUInt32LE(isExtended ? 32 : 8),
    xattrs: isExtended ? fixed.readUInt32LE(36) : none,
    blocks,
  };
}

// Inodes, as bytes. All begin with u16 type, u16 mode, u16 owner's number, u16 group's number, u32 time, u32 inode number.

import type { Attributes, DeviceNode, SpecialNode, SymlinkNode } from "../model/node.ts";
import { bytesOf } from "../model/bytes-path.ts";
import type { StoredFile } from "./stored-file.ts";
import { extended, inodeTypes, limits, none } from "./format.ts";
import type { MetadataPosition } from "./metadata-writer.ts";

/** What every inode says. */
export interface InodeHead {
  readonly attributes: Attributes;
  /** Numbers in the id table. */
  readonly uid: number;
  readonly gid: number;
  readonly number: number;
  /** Names that it has; of a directory, 2 and its subdirectories. */
  readonly links: number;
  /** Number of its set of extended attributes, or `none`. */
  readonly xattrs: number;
}

const headBytes = 16;

function start(type: number, sizeBytes: number, head: InodeHead): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt16LE(type, 0);
  bytes.writeUInt16LE(head.attributes.mode % 0o10000, 2);
  bytes.writeUInt16LE(head.uid, 4);
  bytes.writeUInt16LE(head.gid, 6);
  bytes.writeUInt32LE(clampSeconds(head.attributes.mtimeSeconds), 8);
  bytes.writeUInt32LE(head.number, 12);
  return bytes;
}

/** The format's times begin in 1970 and end in 2106. */
export function clampSeconds(seconds: number): number {
  return Math.min(limits.seconds, Math.max(0, Math.floor(seconds)));
}

/** @param stored undefined for an empty file */
export function encodeFile(
  head: InodeHead,
  sizeBytes: number,
  stored: StoredFile | undefined,
): Buffer {
  const position = stored?.start ?? 0;
  const fragment = stored?.fragment ?? none;
  const fragmentOffset = stored?.fragmentOffset ?? 0;
  const blocks = stored?.blocks ?? new Uint32Array(0);
  // All but the last byte at most: Linux once counted a file of nothing but holes below zero.
  const sparseBytes = Math.min(stored?.sparseBytes ?? 0, Math.max(0, sizeBytes - 1));
  let bytes: Buffer;
  let at: number;
  if (
    head.links === 1 &&
    head.xattrs === none &&
    sparseBytes === 0 &&
    sizeBytes <= 0xffff_ffff &&
    position <= 0xffff_ffff
  ) {
    bytes = start(inodeTypes.file, headBytes + 16 + 4 * blocks.length, head);
    at = bytes.writeUInt32LE(position, headBytes);
    at = bytes.writeUInt32LE(fragment, at);
    at = bytes.writeUInt32LE(fragmentOffset, at);
    at = bytes.writeUInt32LE(sizeBytes, at);
  } else {
    bytes = start(inodeTypes.file + extended, headBytes + 40 + 4 * blocks.length, head);
    at = bytes.writeBigUInt64LE(BigInt(position), headBytes);
    at = bytes.writeBigUInt64LE(BigInt(sizeBytes), at);
    at = bytes.writeBigUInt64LE(BigInt(sparseBytes), at);
    at = bytes.writeUInt32LE(head.links, at);
    at = bytes.writeUInt32LE(fragment, at);
    at = bytes.writeUInt32LE(fragmentOffset, at);
    at = bytes.writeUInt32LE(head.xattrs, at);
  }
  for (const word of blocks) at = bytes.writeUInt32LE(word, at);
  return bytes;
}

export function encodeSymlink(head: InodeHead, node: SymlinkNode): Buffer {
  const target = bytesOf(node.target);
  const isPlain = head.xattrs === none;
  const bytes = start(
    inodeTypes.symlink + (isPlain ? 0 : extended),
    headBytes + 8 + target.length + (isPlain ? 0 : 4),
    head,
  );
  bytes.writeUInt32LE(head.links, headBytes);
  bytes.writeUInt32LE(target.length, headBytes + 4);
  bytes.set(target, headBytes + 8);
  if (!isPlain) bytes.writeUInt32LE(head.xattrs, headBytes + 8 + target.length);
  return bytes;
}

export function encodeDevice(head: InodeHead, node: DeviceNode): Buffer {
  const isPlain = head.xattrs === none;
  const bytes = start(
    inodeTypes[node.type] + (isPlain ? 0 : extended),
    headBytes + 8 + (isPlain ? 0 : 4),
    head,
  );
  const minorHigh = Math.floor(node.minor / 256);
  bytes.writeUInt32LE(head.links, headBytes);
  bytes.writeUInt32LE(minorHigh * 2 ** 20 + node.major * 256 + (node.minor % 256), headBytes + 4);
  if (!isPlain) bytes.writeUInt32LE(head.xattrs, headBytes + 8);
  return bytes;
}

export function encodeSpecial(head: InodeHead, node: SpecialNode): Buffer {
  const isPlain = head.xattrs === none;
  const bytes = start(
    inodeTypes[node.type] + (isPlain ? 0 : extended),
    headBytes + 4 + (isPlain ? 0 : 4),
    head,
  );
  bytes.writeUInt32LE(head.links, headBytes);
  if (!isPlain) bytes.writeUInt32LE(head.xattrs, headBytes + 4);
  return bytes;
}

/** A stretch of a listing that can be found without reading what is before it. */
export interface DirectoryIndexEntry {
  /** Bytes from the start of the listing. */
  readonly listingOffset: number;
  /** Position of the metadata block in which the stretch begins. */
  readonly block: number;
  /** The first name of the stretch. */
  readonly name: Buffer;
}

export interface Listing {
  readonly position: MetadataPosition;
  readonly sizeBytes: number;
  readonly index: readonly DirectoryIndexEntry[];
}

/** Listings count as three bytes longer than they are: readers take `.` and `..` to be there. */
const dotBytes = 3;

export function encodeDirectory(head: InodeHead, listing: Listing, parentNumber: number): Buffer {
  const size = listing.sizeBytes + dotBytes;
  if (head.xattrs === none && listing.index.length === 0 && size <= 0xffff) {
    const bytes = start(inodeTypes.directory, headBytes + 16, head);
    let at = bytes.writeUInt32LE(listing.position.block, headBytes);
    at = bytes.writeUInt32LE(head.links, at);
    at = bytes.writeUInt16LE(size, at);
    at = bytes.writeUInt16LE(listing.position.offset, at);
    bytes.writeUInt32LE(parentNumber, at);
    return bytes;
  }
  let indexBytes = 0;
  for (const { name } of listing.index) indexBytes += 12 + name.length;
  const bytes = start(inodeTypes.directory + extended, headBytes + 24 + indexBytes, head);
  let at = bytes.writeUInt32LE(head.links, headBytes);
  at = bytes.writeUInt32LE(size, at);
  at = bytes.writeUInt32LE(listing.position.block, at);
  at = bytes.writeUInt32LE(parentNumber, at);
  at = bytes.writeUInt16LE(listing.index.length, at);
  at = bytes.writeUInt16LE(listing.position.offset, at);
  at = bytes.writeUInt32LE(head.xattrs, at);
  for (const { listingOffset, block, name } of listing.index) {
    at = bytes.writeUInt32LE(listingOffset, at);
    at = bytes.writeUInt32LE(block, at);
    at = bytes.writeUInt32LE(name.length - 1, at);
    bytes.set(name, at);
    at += name.length;
  }
  return bytes;
}

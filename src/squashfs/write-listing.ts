// A directory's listing: runs of up to 256 entries whose inodes are in one metadata block.
//
//   run     u32 entries − 1, u32 block of their inodes, u32 inode number to count from
//   entry   u16 offset of the inode in its block, s16 inode number from the run's, u16 type, u16 length − 1, name

import type { Listing, DirectoryIndexEntry } from "./encode-inode.ts";
import { limits, metadataBlockBytes } from "./format.ts";
import type { MetadataPosition, MetadataWriter } from "./metadata-writer.ts";

export interface ListingEntry {
  readonly name: Buffer;
  /** Where the inode is. */
  readonly inode: MetadataPosition;
  readonly inodeNumber: number;
  /** The plain type, also where the inode is an extended one. */
  readonly type: number;
}

const runHeadBytes = 12;
const entryHeadBytes = 8;
/** The count of index entries has 16 bits; a listing that needs more is searched from the last one on. */
const mostIndexEntries = 0xffff;

/** @param entries in the order of their names' bytes */
export function writeListing(table: MetadataWriter, entries: readonly ListingEntry[]): Listing {
  // A directory without entries has no place in the table; any will do.
  const position = entries.length === 0 ? { block: 0, offset: 0 } : table.position;
  const index: DirectoryIndexEntry[] = [];
  let sizeBytes = 0;
  let indexedBytes = 0;
  for (let from = 0; from < entries.length;) {
    const first = entries[from];
    if (first === undefined) break;
    let to = from;
    let runBytes = runHeadBytes;
    for (; to < entries.length && to - from < limits.runEntries; to += 1) {
      const entry = entries[to];
      if (entry === undefined) break;
      const entryBytes = entryHeadBytes + entry.name.length;
      const difference = entry.inodeNumber - first.inodeNumber;
      const isFar = entry.inode.block !== first.inode.block || Math.abs(difference) > 32767;
      // A stretch between two points of the index is as long as a metadata block at most.
      const isFull = sizeBytes - indexedBytes + runBytes + entryBytes > metadataBlockBytes;
      if (to > from && (isFar || isFull)) break;
      runBytes += entryBytes;
    }
    if (sizeBytes > 0 && sizeBytes - indexedBytes + runBytes > metadataBlockBytes) {
      indexedBytes = sizeBytes;
      if (index.length < mostIndexEntries) {
        index.push({ listingOffset: sizeBytes, block: table.position.block, name: first.name });
      }
    }
    table.append(encodeRun(entries.slice(from, to), first, runBytes));
    sizeBytes += runBytes;
    from = to;
  }
  return { position, sizeBytes, index };
}

function encodeRun(entries: readonly ListingEntry[], first: ListingEntry, sizeBytes: number) {
  const run = Buffer.allocUnsafe(sizeBytes);
  let at = run.writeUInt32LE(entries.length - 1, 0);
  at = run.writeUInt32LE(first.inode.block, at);
  at = run.writeUInt32LE(first.inodeNumber, at);
  for (const { name, inode, inodeNumber, type } of entries) {
    at = run.writeUInt16LE(inode.offset, at);
    at = run.writeInt16LE(inodeNumber - first.inodeNumber, at);
    at = run.writeUInt16LE(type, at);
    at = run.writeUInt16LE(name.length - 1, at);
    run.set(name, at);
    at += name.length;
  }
  return run;
}

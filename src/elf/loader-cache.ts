// /etc/ld.so.cache, which ldconfig writes and glibc's loader looks names up in:
//
//   [old format: "ld.so-1.7.0" NUL, count 4, count entries of 12, padding to 8]
//   "glibc-ld.so.cache1.1" 20, count 4, bytes of texts 4, byte order 1 (2 little, 3 big, 0 not said), 23 more
//   count entries: flags 4, name 4, path 4, OS version 4, hardware capabilities 8
//   texts, ended by NUL. Their places count from the magic of this format.
//
// Numbers are in the machine's byte order.

import type { ByteString } from "../model/bytes-path.ts";

const oldMagic = "ld.so-1.7.0";
const magic = "glibc-ld.so.cache1.1";
const headerBytes = 48;
const entryBytes = 24;

/** Where each library may be found, best place for better processors first. */
export type LoaderCache = ReadonlyMap<ByteString, readonly ByteString[]>;

/**
 * Reads the cache. What makes no sense in it is left out, as the loader itself does without the cache then.
 */
export function readLoaderCache(bytes: Uint8Array): LoaderCache {
  const cache = new Map<ByteString, ByteString[]>();
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = newFormatStart(all);
  if (start === undefined) return cache;
  const isBig = all[start + 28] === 3;
  const number = (at: number) => {
    if (at + 4 > all.length) return 0;
    return isBig ? all.readUInt32BE(at) : all.readUInt32LE(at);
  };
  const text = (at: number) => {
    const end = at < all.length ? all.indexOf(0, at) : -1;
    return end === -1 ? "" : all.toString("latin1", at, end);
  };
  const room = Math.floor((all.length - start - headerBytes) / entryBytes);
  const count = Math.min(number(start + 20), Math.max(room, 0));
  for (let index = 0; index < count; index++) {
    const at = start + headerBytes + index * entryBytes;
    const name = text(start + number(at + 4));
    const path = text(start + number(at + 8));
    if (name === "" || !path.startsWith("/")) continue;
    const paths = cache.get(name);
    if (paths === undefined) cache.set(name, [path]);
    else paths.push(path);
  }
  return cache;
}

function newFormatStart(all: Buffer): number | undefined {
  if (all.toString("latin1", 0, 11) !== oldMagic) {
    return all.toString("latin1", 0, 20) === magic ? 0 : undefined;
  }
  // The old format stands before the new one, for loaders from before 2.2.
  const count = all.length < 16 ? 0 : all.readUInt32LE(12);
  const start = Math.ceil((16 + 12 * count) / 8) * 8;
  return all.toString("latin1", start, start + 20) === magic ? start : undefined;
}

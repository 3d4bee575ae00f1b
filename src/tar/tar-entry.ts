import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { LayerEntry } from "../model/layer-entry.ts";
import { paxInteger, paxTime, xattrsOf, type PaxRecords } from "./pax-records.ts";
import { blockBytes, checked, type TarHeader } from "./tar-header.ts";

/** An entry of a tar archive. */
export type TarEntry = LayerEntry;

const maxOwner = 2 ** 32 - 2;
const maxDeviceNumber = 2 ** 32 - 1;

const types: Readonly<Record<string, LayerEntry["type"]>> = {
  "0": "file",
  "1": "hard-link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  // Contiguous file: a wish about its place on the disk.
  "7": "file",
  // GNU incremental dump: a directory whose data is a list of names.
  D: "directory",
  // GNU sparse file.
  S: "file",
};

/** Types that have no data whatever their size field says: hard links carry their file's size, directories a quota. */
const headerOnly = "123456";

/** What GNU's long name and long link entries said. */
export interface LongNames {
  readonly name: ByteString | undefined;
  readonly link: ByteString | undefined;
}

/**
 * The entry that a header and its extended headers describe together, as far as it is known before its data: for a
 * sparse file, `sizeBytes` and `data` are not known yet. `storedBytes` is what follows the header.
 * @throws {FormatError} `tar/unknown-type`, `tar/bad-extended-header`, `tar/bad-number`
 */
export function tarEntry(
  header: TarHeader,
  records: PaxRecords,
  long: LongNames,
  dataOffset: number,
  archive: string,
): TarEntry {
  // Where several headers give a name the order of Go's reader counts, as registries and engines are written in Go.
  const recorded = records.size === 0 ? "" : records.get("GNU.sparse.name") || records.get("path");
  const path = long.name ?? (recorded || header.name);
  const linkTarget = long.link ?? (records.get("linkpath") || header.linkName);
  const where = () => `${archive}, ${displayName(path)}`;
  if (path.includes("\0") || linkTarget.includes("\0")) {
    throw new FormatError("tar/bad-extended-header", `${where()}: a name holds a NUL byte`);
  }
  const type = types[header.type];
  // star has sparse files of the same type with another map.
  if (type === undefined || (header.type === "S" && !header.isGnu)) {
    throw new FormatError(
      "tar/unknown-type",
      `${where()}: entries of the type "${displayName(header.type)}" are not known`,
      { hint: "write the archive with tar --format=pax" },
    );
  }
  const number = (keyword: string, otherwise: number, max: number, field: string) => {
    const value = paxInteger(records, keyword, otherwise);
    return checked(value < 0 || value > max ? Infinity : value, field, where);
  };
  const storedBytes = headerOnly.includes(header.type) ? 0 : sizeOf(header, records, where);
  return {
    path,
    // v7 had no type for directories.
    type: type === "file" && path.endsWith("/") ? "directory" : type,
    linkTarget,
    mode: header.mode & 0o7777,
    uid: number("uid", header.uid, maxOwner, "owner"),
    gid: number("gid", header.gid, maxOwner, "group"),
    mtimeSeconds: checked(paxTime(records, "mtime", header.mtime), "time", where),
    xattrs: records.size === 0 ? undefined : xattrsOf(records),
    sizeBytes: storedBytes,
    dataOffset,
    storedBytes,
    data: undefined,
    major: number("SCHILY.devmajor", header.major, maxDeviceNumber, "device number"),
    minor: number("SCHILY.devminor", header.minor, maxDeviceNumber, "device number"),
  };
}

/** Bytes after the header, padding left out. @throws {FormatError} `tar/bad-number` */
export function sizeOf(header: TarHeader, records: PaxRecords, where: () => string): number {
  const size = paxInteger(records, "size", header.size);
  const isLegal = size >= 0 && size <= Number.MAX_SAFE_INTEGER - blockBytes;
  return checked(Number.isNaN(size) || isLegal ? size : Infinity, "size", where);
}

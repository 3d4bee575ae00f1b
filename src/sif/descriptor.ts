//   0     4   type of the object
//   4     1   1 where the slot is used
//   5     4   id
//   9     4   group: 0xf0000000 + number, the number 0 meaning none
//   13    4   what it belongs to: an id, 0xf0000000 + group number, or 0
//   17    8   offset in the file
//   25    8   bytes
//   33    8   bytes, with what lies between the object before and this one
//   41    8   created
//   49    8   modified
//   57    8   user, always 0 today
//   65    8   group, always 0 today
//   73  128   name, NUL-padded
//   201 384   more, by type

import { FormatError } from "../model/error.ts";
import { decodeArchitecture } from "./architecture.ts";
import { descriptorBytes, groupBits, limits, objectTypes } from "./format.ts";

/** What the file says about one of its objects. */
export interface SifObject {
  readonly type: number;
  readonly id: number;
  /** Undefined for "no group". */
  readonly group: number | undefined;
  readonly link: { readonly kind: "object" | "group"; readonly id: number } | undefined;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly sizeWithPaddingBytes: number;
  readonly createdSeconds: number;
  readonly modifiedSeconds: number;
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** 384 bytes whose meaning depends on the type. */
  readonly extra: Buffer;
}

/** What a file system object says about itself. */
export interface PartitionInfo {
  readonly fileSystem: number;
  readonly kind: number;
  /** Undefined for one that is not known. */
  readonly architecture: string | undefined;
}

/** @throws {FormatError} `sif/limit` for a name over 128 bytes */
export function encodeDescriptor(object: SifObject): Buffer {
  const bytes = Buffer.alloc(descriptorBytes);
  const name = Buffer.from(object.name, "utf8");
  if (name.length > limits.nameBytes || object.extra.length > limits.extraBytes) {
    throw new FormatError("sif/limit", `the object name ${object.name} is too long for a SIF`, {
      hint: `names have at most ${limits.nameBytes} bytes`,
    });
  }
  const { link } = object;
  bytes.writeInt32LE(object.type, 0);
  bytes[4] = 1;
  bytes.writeUInt32LE(object.id, 5);
  bytes.writeUInt32LE(groupBits + (object.group ?? 0), 9);
  bytes.writeUInt32LE(
    link === undefined ? 0 : (link.kind === "group" ? groupBits : 0) + link.id,
    13,
  );
  let at = 17;
  for (const number of [
    object.offset,
    object.sizeBytes,
    object.sizeWithPaddingBytes,
    object.createdSeconds,
    object.modifiedSeconds,
    object.uid,
    object.gid,
  ]) {
    at = bytes.writeBigInt64LE(BigInt(number), at);
  }
  bytes.set(name, at);
  bytes.set(object.extra, 201);
  return bytes;
}

/** What a slot holds, or undefined where it is not used. Types that are not known are kept as they are. */
export function decodeDescriptor(bytes: Buffer): SifObject | undefined {
  if (bytes[4] === 0) return undefined;
  const number = (at: number) => Number(bytes.readBigInt64LE(at));
  const link = bytes.readUInt32LE(13);
  const name = bytes.subarray(73, 201);
  const nameEnd = name.indexOf(0);
  const group = groupNumber(bytes.readUInt32LE(9));
  return {
    type: bytes.readInt32LE(0),
    id: bytes.readUInt32LE(5),
    group: group === 0 ? undefined : group,
    link: decodeLink(link),
    offset: number(17),
    sizeBytes: number(25),
    sizeWithPaddingBytes: number(33),
    createdSeconds: number(41),
    modifiedSeconds: number(49),
    uid: number(57),
    gid: number(65),
    name: name.toString("utf8", 0, nameEnd < 0 ? name.length : nameEnd),
    extra: Buffer.from(bytes.subarray(201, descriptorBytes)),
  };
}

/** What a file system object says about itself; undefined for objects of other types. */
export function partitionInfo(object: SifObject): PartitionInfo | undefined {
  if (object.type !== objectTypes.partition) return undefined;
  return {
    fileSystem: object.extra.readInt32LE(0),
    kind: object.extra.readInt32LE(4),
    architecture: decodeArchitecture(object.extra.subarray(8, 11)),
  };
}

/** The lower 28 bits. */
function groupNumber(value: number): number {
  return value % 0x1000_0000;
}

/** What a number says that an object belongs to. */
export function decodeLink(value: number): SifObject["link"] {
  if (value === 0) return undefined;
  return value >= groupBits
    ? { kind: "group", id: groupNumber(value) }
    : { kind: "object", id: value };
}

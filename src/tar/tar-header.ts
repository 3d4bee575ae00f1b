// The 512 bytes before every entry of a tar archive (POSIX.1-1988 ustar, GNU tar manual "Basic Tar Format"):
//
//   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8 | 156 type 1
//   157 link name 100 | 257 magic and version 8 | 265 user 32 | 297 group 32 | 329 major 8 | 337 minor 8
//   345 prefix 155 (ustar), 131 (star: "tar" at 508), or GNU's own fields: times, and for sparse files
//       386 four pairs of offset 12 and length 12 | 482 more follow 1 | 483 size with holes 12
//
// Numbers are octal text, or big-endian two's complement behind a set top bit ("base-256").

import type { ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";

export const blockBytes = 512;

/** A header block, checked and taken apart. Extended headers may still overrule what it says. */
export interface TarHeader {
  /** The type as a character; NUL of old archives is "0". */
  readonly type: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
  /** GNU's magic: sparse fields are where GNU has them, and there is no prefix. */
  readonly isGnu: boolean;
}

const deviceTypes = "34";

/**
 * Takes a header block apart.
 * @returns undefined for a block of zeros
 * @throws {FormatError} `tar/checksum`, `tar/bad-number`
 */
export function readTarHeader(block: Buffer, where: () => string): TarHeader | undefined {
  let sum = 0;
  for (let at = 0; at < blockBytes; at++) sum += block[at] as number;
  if (sum === 0) return undefined;
  // The checksum counts its own field as blanks.
  for (let at = 148; at < 156; at++) sum += 0x20 - (block[at] as number);
  const stored = tarNumber(block, 148, 8);
  if (stored !== sum && stored !== signedSum(block, sum)) {
    throw new FormatError("tar/checksum", `${where()}: the tar header's checksum is wrong`, {
      hint: "the archive is damaged, or it is not a tar archive; fetch it again",
    });
  }

  const number = (field: string, at: number, length: number) =>
    checked(tarNumber(block, at, length), field, where);
  const typeByte = block[156] as number;
  const type = typeByte === 0 ? "0" : String.fromCharCode(typeByte);
  const isPosix = hasText(block, 257, "ustar\0");
  const isGnu = !isPosix && hasText(block, 257, "ustar  \0");
  const isDevice = deviceTypes.includes(type) && (isPosix || isGnu);
  let name = tarText(block, 0, 100);
  if (isPosix && block[345] !== 0) {
    const isStar = hasText(block, 508, "tar\0");
    const prefix = tarText(block, 345, isStar ? 131 : 155);
    if (prefix !== "") name = `${prefix}/${name}`;
  }
  return {
    type,
    name,
    linkName: block[157] === 0 ? "" : tarText(block, 157, 100),
    mode: number("mode", 100, 8),
    uid: number("owner", 108, 8),
    gid: number("group", 116, 8),
    size: number("size", 124, 12),
    mtime: number("time", 136, 12),
    major: isDevice ? number("device number", 329, 8) : 0,
    minor: isDevice ? number("device number", 337, 8) : 0,
    isGnu,
  };
}

/** The checksum of old writers, who summed signed characters. */
function signedSum(block: Uint8Array, unsignedSum: number): number {
  let sum = unsignedSum;
  for (let at = 0; at < blockBytes; at++) {
    const isOwnField = at >= 148 && at < 156;
    if (!isOwnField && (block[at] as number) > 127) sum -= 256;
  }
  return sum;
}

function hasText(block: Uint8Array, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    if (block[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** The bytes of a field up to its first NUL, or all of it. */
export function tarText(block: Buffer, at: number, length: number): ByteString {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end === -1 || end > at + length ? at + length : end);
}

/**
 * A number field: octal text between blanks and NULs, empty meaning 0, or base-256.
 * @returns NaN for anything else, and an unsafe integer for what is too large
 */
export function tarNumber(block: Uint8Array, from: number, length: number): number {
  const end = from + length;
  let at = from;
  const first = block[at] as number;
  if ((first & 0x80) !== 0) {
    // Two's complement over all bits but the top one, which only marks the form.
    let value = (first & 0x40) === 0 ? first & 0x3f : (first & 0x7f) - 0x80;
    for (at++; at < end; at++) value = value * 256 + (block[at] as number);
    return value;
  }
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  return at === end || block[at] === 0x20 || block[at] === 0 ? value : Number.NaN;
}

/**
 * @param where what to call the place in a message
 * @throws {FormatError} `tar/bad-number` for what `tarNumber` could not read or can't be held exactly
 */
export function checked(value: number, field: string, where: () => string): number {
  if (Number.isSafeInteger(value)) return value;
  throw new FormatError(
    "tar/bad-number",
    Number.isNaN(value)
      ? `${where()}: the ${field} in the tar header is not a number`
      : `${where()}: the ${field} in the tar header is out of range`,
    { hint: "the archive is damaged or was written by a faulty tool; fetch or make it again" },
  );
}

//   0    32   launch script, NUL-padded
//   32   10   "SIF_MAGIC\0"
//   42    3   "01\0"
//   45    3   architecture of the root file system, two digits and NUL
//   48   16   UUID
//   64    8   created
//   72    8   modified
//   80    8   free slots
//   88    8   slots
//   96    8   where the slots begin
//   104   8   their bytes
//   112   8   where the objects begin
//   120   8   their bytes, with what lies between them

import { FormatError } from "../model/error.ts";
import { headerBytes, limits, magic, version } from "./format.ts";

export interface SifHeader {
  readonly launchScript: string;
  /** The three bytes as they are; `decodeArchitecture` tells what they mean. */
  readonly architectureCode: Buffer;
  readonly uuid: Buffer;
  readonly createdSeconds: number;
  readonly modifiedSeconds: number;
  readonly freeSlots: number;
  readonly slots: number;
  readonly descriptorsOffset: number;
  readonly descriptorsBytes: number;
  readonly dataOffset: number;
  readonly dataBytes: number;
}

/** @throws {FormatError} `sif/limit` for a launch script over 31 bytes */
export function encodeHeader(header: SifHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  if (Buffer.byteLength(header.launchScript) > limits.launchScriptBytes) {
    throw new FormatError("sif/limit", "the launch script is too long for a SIF", {
      hint: `it has at most ${limits.launchScriptBytes} bytes`,
    });
  }
  bytes.write(header.launchScript, 0, "utf8");
  bytes.set(magic, 32);
  bytes.set(version, 42);
  bytes.set(header.architectureCode, 45);
  bytes.set(header.uuid, 48);
  let at = 64;
  for (const number of [
    header.createdSeconds,
    header.modifiedSeconds,
    header.freeSlots,
    header.slots,
    header.descriptorsOffset,
    header.descriptorsBytes,
    header.dataOffset,
    header.dataBytes,
  ]) {
    at = bytes.writeBigInt64LE(BigInt(number), at);
  }
  return bytes;
}

/** @throws {FormatError} `sif/not-sif` for something else, or a version that is not known */
export function decodeHeader(bytes: Buffer, name: string): SifHeader {
  if (bytes.length < headerBytes || !bytes.subarray(32, 42).equals(magic)) {
    throw new FormatError("sif/not-sif", `${name} is not a SIF image`, {
      hint: "check that this is the file that you mean, and that it was copied whole",
    });
  }
  if (!bytes.subarray(42, 45).equals(version)) {
    const found = JSON.stringify(bytes.toString("latin1", 42, 44));
    throw new FormatError("sif/not-sif", `${name} is a SIF image of the unknown version ${found}`, {
      hint: "only version 01 is supported",
    });
  }
  const number = (at: number) => Number(bytes.readBigInt64LE(at));
  return {
    launchScript: untilNul(bytes.subarray(0, 32)),
    architectureCode: Buffer.from(bytes.subarray(45, 48)),
    uuid: Buffer.from(bytes.subarray(48, 64)),
    createdSeconds: number(64),
    modifiedSeconds: number(72),
    freeSlots: number(80),
    slots: number(88),
    descriptorsOffset: number(96),
    descriptorsBytes: number(104),
    dataOffset: number(112),
    dataBytes: number(120),
  };
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
}

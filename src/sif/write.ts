import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { FormatError } from "../model/error.ts";
import { encodeArchitecture } from "./architecture.ts";
import { encodeDescriptor, type SifObject } from "./descriptor.ts";
import {
  dataOffset,
  defaultLaunchScript,
  descriptorBytes,
  descriptorSlots,
  descriptorsOffset,
  fileSystems,
  limits,
  objectTypes,
  partitionAlignment,
  partitionKinds,
} from "./format.ts";
import { encodeHeader } from "./header.ts";
import { randomUuid, uuidOfHash } from "./uuid.ts";
import { writeAt } from "./write-at.ts";

/** An object that is to be in an image. */
export type NewObject =
  | {
      readonly kind: "bytes";
      /** One of `objectTypes`. */
      readonly type: number;
      readonly name: string;
      readonly bytes: Uint8Array;
    }
  /** The root file system: SquashFS that somebody writes when its place is known. */
  | {
      readonly kind: "root";
      /** Writes to the file from the offset on, and says how many bytes. */
      readonly write: (file: FileHandle, offset: number) => Promise<number>;
    };

export interface SifOptions {
  /** In the words of Go: `amd64`, `arm64` … */
  readonly architecture: string;
  /** Creation and modification time of the image and its objects. */
  readonly timeSeconds: number;
  /** 16 bytes, or how to get them: at random, or from what the image holds, so that the same content has the same. */
  readonly uuid: Uint8Array | "random" | "from-content";
  /** At most 31 bytes. Apptainer's own if not given. */
  readonly launchScript?: string | undefined;
}

export interface SifWritten {
  readonly uuid: Buffer;
  readonly objects: readonly SifObject[];
  readonly sizeBytes: number;
}

/**
 * Writes an image into an empty file. Objects get slots, ids and places in the order of the list, all in group 1. The
 * header is written last: a file that was not finished has no magic number.
 * @throws {FormatError} `sif/limit`
 */
export async function writeSif(
  file: FileHandle,
  objects: readonly NewObject[],
  options: SifOptions,
): Promise<SifWritten> {
  if (objects.length > descriptorSlots) {
    throw new FormatError(
      "sif/limit",
      `${objects.length} objects don't fit into a SIF image, which has ${descriptorSlots} slots`,
      { hint: "put fewer files beside the root file system" },
    );
  }
  // Refuse what can't be written before the long work.
  const launchScript = options.launchScript ?? defaultLaunchScript;
  const architectureCode = encodeArchitecture(options.architecture);
  const header = {
    launchScript,
    architectureCode,
    uuid: Buffer.alloc(16),
    createdSeconds: options.timeSeconds,
    modifiedSeconds: options.timeSeconds,
    freeSlots: descriptorSlots - objects.length,
    slots: descriptorSlots,
    descriptorsOffset,
    descriptorsBytes: descriptorSlots * descriptorBytes,
    dataOffset,
    dataBytes: 0,
  };
  encodeHeader(header);

  const written: SifObject[] = [];
  const table = Buffer.alloc(descriptorSlots * descriptorBytes);
  let end = dataOffset;
  for (const [slot, object] of objects.entries()) {
    const isRoot = object.kind === "root";
    const offset = isRoot ? Math.ceil(end / partitionAlignment) * partitionAlignment : end;
    const descriptor = (sizeBytes: number): SifObject => ({
      type: isRoot ? objectTypes.partition : object.type,
      id: slot + 1,
      group: 1,
      link: undefined,
      offset,
      sizeBytes,
      sizeWithPaddingBytes: offset - end + sizeBytes,
      createdSeconds: options.timeSeconds,
      modifiedSeconds: options.timeSeconds,
      uid: 0,
      gid: 0,
      name: isRoot ? "" : object.name,
      extra: isRoot ? rootExtra(architectureCode) : Buffer.alloc(limits.extraBytes),
    });
    encodeDescriptor(descriptor(0));
    let sizeBytes: number;
    if (isRoot) sizeBytes = await object.write(file, offset);
    else {
      sizeBytes = object.bytes.length;
      await writeAt(file, object.bytes, offset);
    }
    const done = descriptor(sizeBytes);
    table.set(encodeDescriptor(done), slot * descriptorBytes);
    written.push(done);
    end = offset + sizeBytes;
  }
  await writeAt(file, table, descriptorsOffset);
  const uuid = await chooseUuid(file, end, header, options.uuid);
  await writeAt(file, encodeHeader({ ...header, uuid, dataBytes: end - dataOffset }), 0);
  return { uuid, objects: written, sizeBytes: end };
}

function rootExtra(architectureCode: Buffer): Buffer {
  const extra = Buffer.alloc(limits.extraBytes);
  extra.writeInt32LE(fileSystems.squashfs, 0);
  extra.writeInt32LE(partitionKinds.primary, 4);
  extra.set(architectureCode, 8);
  return extra;
}

async function chooseUuid(
  file: FileHandle,
  end: number,
  header: Parameters<typeof encodeHeader>[0],
  choice: SifOptions["uuid"],
): Promise<Buffer> {
  if (choice === "random") return randomUuid();
  if (choice !== "from-content") return Buffer.from(choice);
  const hash = createHash("sha256").update(encodeHeader(header));
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  for (let at = descriptorsOffset; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return uuidOfHash(hash.digest());
}

import { FormatError } from "../model/error.ts";
import { encodeDescriptor, partitionInfo, type SifObject } from "./descriptor.ts";
import { limits, partitionKinds } from "./format.ts";
import { editSeconds, patchHeader, slotPosition, type SifPatch } from "./sif-patch.ts";
import type { SifFile } from "./sif-file.ts";

/** An object that an image is to get. */
export interface AddedObject {
  /** One of `objectTypes`. */
  readonly type: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** A number from 1 on, or undefined for "no group". */
  readonly group: number | undefined;
  readonly link: SifObject["link"];
  /** Its first byte comes at a multiple of this. */
  readonly alignmentBytes: number;
  /** What objects of its type say beside what all say; at most 384 bytes. */
  readonly extra: Uint8Array;
}

/**
 * How an image gets one more object: the first free slot, behind all other objects, as siftool does it. The bytes of the
 * object are for the caller to write, before the patches.
 * @throws {FormatError} `sif/full`, `sif/second-primary`, `sif/limit` for a name over 128 bytes
 */
export function addObject(
  image: SifFile,
  added: AddedObject,
  nowSeconds: number,
): { readonly offset: number; readonly patches: readonly SifPatch[] } {
  const { header, slots, objects, path } = image;
  const slot = slots.indexOf(undefined);
  if (slot < 0) {
    throw new FormatError("sif/full", `${path} has no free slot for another object`, {
      hint: `it has ${slots.length} slots; delete an object that nobody needs: tsbuild sif del ID ${path}`,
    });
  }
  const seconds = editSeconds(header, nowSeconds);
  const dataEnd = objects.reduce(
    (end, { offset, sizeBytes }) => Math.max(end, offset + sizeBytes),
    header.dataOffset,
  );
  const alignment = Math.max(added.alignmentBytes, 1);
  const offset = Math.ceil(dataEnd / alignment) * alignment;
  const extra = Buffer.alloc(limits.extraBytes);
  extra.set(added.extra);
  const object: SifObject = {
    type: added.type,
    id: slot + 1,
    group: added.group,
    link: added.link,
    offset,
    sizeBytes: added.sizeBytes,
    sizeWithPaddingBytes: offset - dataEnd + added.sizeBytes,
    createdSeconds: seconds,
    modifiedSeconds: seconds,
    uid: 0,
    gid: 0,
    name: added.name,
    extra,
  };
  const isPrimary = isPrimaryPartition(object);
  if (isPrimary && objects.some(isPrimaryPartition)) {
    throw new FormatError("sif/second-primary", `${path} has a primary partition already`, {
      hint: "add it with --parttype 1, and make it the primary one with: tsbuild sif setprim ID IMAGE",
    });
  }
  return {
    offset,
    patches: [
      { position: slotPosition(header, slot), bytes: encodeDescriptor(object) },
      ...patchHeader({
        modifiedSeconds: seconds,
        freeSlots: slots.filter((each) => each === undefined).length - 1,
        dataBytes: offset + added.sizeBytes - header.dataOffset,
        architectureCode: isPrimary ? extra.subarray(8, 11) : undefined,
      }),
    ],
  };
}

/** Whether an object is the root file system. */
export function isPrimaryPartition(object: SifObject): boolean {
  return partitionInfo(object)?.kind === partitionKinds.primary;
}

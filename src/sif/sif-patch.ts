// Changing an image: a few bytes of its header and of its table. What isn't changed keeps its bytes, also where another
// tool wrote what we would not: signatures cover them.

import { descriptorBytes } from "./format.ts";
import type { SifHeader } from "./header.ts";

/** Bytes that go to a place in the file. */
export interface SifPatch {
  readonly position: number;
  readonly bytes: Buffer;
}

/** Go's zero time, the year 1, which its library writes where an image shall have no times. */
export const noTimeSeconds = -62_135_596_800;

/**
 * The time that a change of the image gets: now, unless the image is of the kind that has neither times nor a UUID and
 * keeps so, as siftool does it.
 */
export function editSeconds(header: SifHeader, nowSeconds: number): number {
  const isTimeless =
    !header.uuid.some(Boolean) &&
    header.createdSeconds === noTimeSeconds &&
    header.modifiedSeconds === noTimeSeconds;
  return isTimeless ? noTimeSeconds : nowSeconds;
}

/** What a change does to the header. */
export function patchHeader(change: {
  readonly modifiedSeconds: number;
  readonly architectureCode?: Buffer | undefined;
  readonly freeSlots?: number | undefined;
  readonly dataBytes?: number | undefined;
}): SifPatch[] {
  const patches = [int64(72, change.modifiedSeconds)];
  if (change.architectureCode !== undefined) {
    patches.push({ position: 45, bytes: change.architectureCode });
  }
  if (change.freeSlots !== undefined) patches.push(int64(80, change.freeSlots));
  if (change.dataBytes !== undefined) patches.push(int64(120, change.dataBytes));
  return patches;
}

/** Where a slot of the table begins. */
export function slotPosition(header: SifHeader, slot: number): number {
  return header.descriptorsOffset + slot * descriptorBytes;
}

/** A signed number of 64 bits. */
export function int64(position: number, value: number): SifPatch {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return { position, bytes };
}

import { FormatError } from "../model/error.ts";
import { isPrimaryPartition } from "./add-object.ts";
import { partitionInfo, type SifObject } from "./descriptor.ts";
import { partitionKinds } from "./format.ts";
import { editSeconds, int64, patchHeader, slotPosition, type SifPatch } from "./sif-patch.ts";
import type { SifFile } from "./sif-file.ts";

/**
 * How another partition becomes the root file system; the one that was it stays as a system partition. Nothing is to be
 * changed where it is the root file system already.
 * @throws {FormatError} `sif/no-object`, `sif/not-a-system-partition`
 */
export function setPrimary(image: SifFile, id: number, nowSeconds: number): SifPatch[] {
  const { header, slots, objects, path } = image;
  const chosen = image.objectById(id);
  if (isPrimaryPartition(chosen)) return [];
  if (partitionInfo(chosen)?.kind !== partitionKinds.system) {
    throw new FormatError(
      "sif/not-a-system-partition",
      `object ${id} of ${path} is not a system partition`,
      { hint: `tsbuild sif list ${path} shows them, as FS (…/System/…)` },
    );
  }
  const modifiedSeconds = editSeconds(header, nowSeconds);
  const become = (object: SifObject, kind: number): SifPatch[] => {
    const position = slotPosition(header, slots.indexOf(object));
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(kind);
    return [int64(position + 49, modifiedSeconds), { position: position + 205, bytes }];
  };
  return [
    ...objects
      .filter(isPrimaryPartition)
      .flatMap((object) => become(object, partitionKinds.system)),
    ...become(chosen, partitionKinds.primary),
    ...patchHeader({ modifiedSeconds, architectureCode: chosen.extra.subarray(8, 11) }),
  ];
}

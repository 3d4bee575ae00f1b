import { isPrimaryPartition } from "./add-object.ts";
import { encodeArchitecture } from "./architecture.ts";
import { descriptorBytes } from "./format.ts";
import { editSeconds, patchHeader, slotPosition, type SifPatch } from "./sif-patch.ts";
import type { SifFile } from "./sif-file.ts";

/**
 * How an image loses an object: its slot becomes free. As with siftool, the object's bytes stay in the file until another
 * takes their place, and what refers to it is not asked.
 * @throws {FormatError} `sif/no-object`
 */
export function deleteObject(image: SifFile, id: number, nowSeconds: number): SifPatch[] {
  const { header, slots } = image;
  const object = image.objectById(id);
  return [
    {
      position: slotPosition(header, slots.indexOf(object)),
      bytes: Buffer.alloc(descriptorBytes),
    },
    ...patchHeader({
      modifiedSeconds: editSeconds(header, nowSeconds),
      freeSlots: slots.filter((each) => each === undefined).length + 1,
      architectureCode: isPrimaryPartition(object) ? encodeArchitecture("") : undefined,
    }),
  ];
}

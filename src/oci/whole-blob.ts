import { FormatError } from "../model/error.ts";
import { BlobReader, type BlobPlace } from "./blob-reader.ts";
import type { ImageStore } from "./image.ts";
import { checkBlob, type IndexOptions } from "./layer-index.ts";
import type { Descriptor } from "./manifest.ts";

/**
 * Gets a blob that is wanted as a file, checked. Its lease is the caller's.
 * @throws {FormatError} `source/digest-mismatch`; and what the store throws
 */
export async function wholeBlob(
  store: ImageStore,
  descriptor: Descriptor,
  options: IndexOptions & { readonly signal: AbortSignal },
): Promise<BlobPlace> {
  const check = async (place: BlobPlace) => {
    const { file, offset, sizeBytes, incoming, lease } = place;
    const reading = { file, offset, sizeBytes, incoming };
    try {
      const blob = await BlobReader.open(reading, `${descriptor.digest} of ${store.name}`);
      try {
        await blob.arrived();
        await checkBlob(blob, incoming === undefined ? descriptor.digest : undefined, options);
      } finally {
        await blob.close();
      }
    } catch (error) {
      await lease?.[Symbol.asyncDispose]();
      throw error;
    }
    return { file, offset, sizeBytes, lease };
  };
  try {
    return await check(await store.layer(descriptor, options.signal));
  } catch (error) {
    const isDamaged = error instanceof FormatError && error.code === "source/digest-mismatch";
    if (!isDamaged || store.layerAgain === undefined) throw error;
    return await check(await store.layerAgain(descriptor, options.signal));
  }
}

import { BlobReader, type BlobPlace } from "./blob-reader.ts";
import { badDocument } from "./manifest.ts";

/**
 * The bytes of a short blob.
 * @throws {FormatError} `source/bad-manifest` when it is longer than `maxBytes`
 */
export async function readPlace(place: BlobPlace, maxBytes: number): Promise<Buffer> {
  if (place.sizeBytes > maxBytes) throw badDocument(place.file, `is longer than ${maxBytes} bytes`);
  const blob = await BlobReader.open(place, place.file);
  try {
    const parts: Uint8Array[] = [];
    for await (const part of blob.read()) parts.push(part);
    return Buffer.concat(parts);
  } finally {
    await blob.close();
  }
}

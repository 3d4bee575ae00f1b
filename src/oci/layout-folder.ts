import { stat } from "node:fs/promises";
import { join } from "node:path";
import { BlobReader, type BlobPlace } from "./blob-reader.ts";
import type { LayoutFiles } from "./layout.ts";
import { badDocument } from "./manifest.ts";

/** The files of a layout that is a folder. */
export class LayoutFolder implements LayoutFiles {
  readonly name: string;
  readonly #folder: string;

  /** @param name what to call it in messages */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.name = name;
  }

  async find(path: string): Promise<BlobPlace | undefined> {
    const file = join(this.#folder, path);
    const found = await stat(file).catch(() => undefined);
    return found?.isFile() === true ? { file, offset: 0, sizeBytes: found.size } : undefined;
  }

  read(place: BlobPlace, maxBytes: number): Promise<Buffer> {
    return readPlace(place, maxBytes);
  }
}

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

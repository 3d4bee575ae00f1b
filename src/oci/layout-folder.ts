import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlobPlace } from "./blob-reader.ts";
import type { LayoutFiles } from "./layout.ts";

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
}

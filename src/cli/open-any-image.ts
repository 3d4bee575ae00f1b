import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { readFolder } from "../folder/read-folder.ts";
import { SourceError } from "../model/error.ts";
import { openImage } from "../source/open-image.ts";
import type { FileTree } from "../tree/file-tree.ts";

/** An image of any form, for looking into it. */
export interface AnyImage extends AsyncDisposable {
  readonly tree: FileTree;
  /** The object `inspect-metadata.json`, where the image has one. */
  readonly metadata: string | undefined;
}

/**
 * Opens a SIF file, a SquashFS file or a sandbox folder.
 * @param name as the user named it, relative to `folder`
 * @throws {SourceError} `source/not-found`, `source/not-an-image`, and what reading it throws
 */
export async function openAnyImage(name: string, folder: string): Promise<AnyImage> {
  const file = resolve(folder, name);
  const found = await stat(file).catch((error: unknown) => {
    throw new SourceError("source/not-found", `there is no image ${name}`, {
      hint: "check the name, and the folder that you are in",
      cause: error,
    });
  });
  if (found.isDirectory()) {
    return {
      tree: await readFolder(file),
      metadata: undefined,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const image = await openImage(file, name);
  return {
    tree: image.tree,
    metadata: image.metadata,
    [Symbol.asyncDispose]: () => image.dispose(),
  };
}

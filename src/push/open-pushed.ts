import { stat } from "node:fs/promises";
import { readNode } from "../contents/read-node.ts";
import { imageArchitecture } from "../elf/image-architecture.ts";
import { SourceError } from "../model/error.ts";
import { openImage } from "../source/open-image.ts";
import { sandboxOwners } from "../source/sandbox-owners.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { ConfigObject } from "./image-config.ts";

/** An image on this machine, and what an image in a registry has to say of it. */
export interface PushedImage extends AsyncDisposable {
  readonly tree: FileTree;
  readonly ociConfig: ConfigObject | undefined;
  /** In the words of Go; undefined where neither the image nor its programs tell. */
  readonly architecture: string | undefined;
  readonly createdSeconds: number | undefined;
}

/**
 * Opens a SIF file, a SquashFS file or a sandbox folder.
 * @param name as the user named it
 * @throws {SourceError} `source/not-found`, `source/not-an-image`, and what reading it throws
 */
export async function openPushed(
  file: string,
  name: string,
  signal: AbortSignal,
): Promise<PushedImage> {
  const found = await stat(file).catch((cause: unknown) => {
    throw new SourceError("source/not-found", `there is no image ${name}`, {
      hint: "check the name, and the folder that you are in",
      cause,
    });
  });
  if (found.isDirectory()) {
    const { readFolder } = await import("../folder/read-folder.ts");
    const tree = await readFolder(file, { signal, ...sandboxOwners() });
    return {
      tree,
      ociConfig: undefined,
      architecture: await imageArchitecture(tree, readNode),
      createdSeconds: undefined,
      [Symbol.asyncDispose]: async () => {},
    };
  }
  const image = await openImage(file, name);
  const { tree, ociConfig, createdSeconds } = image;
  return {
    tree,
    ociConfig,
    architecture: image.architecture ?? (await imageArchitecture(tree, readNode)),
    createdSeconds,
    [Symbol.asyncDispose]: () => image.dispose(),
  };
}

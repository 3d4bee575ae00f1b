import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { SourceError } from "../model/error.ts";
import { refuseFingerprints } from "./signed-by.ts";
import { sandboxOwners } from "./sandbox-owners.ts";
import type { ImageSource } from "./source.ts";

/**
 * `Bootstrap: localimage`: an image that is here already; a sandbox folder, a SIF file, a SquashFS file, or a root file
 * system in a tar archive, which Apptainer doesn't take.
 */
export const localImageSource: ImageSource = {
  names: ["localimage"],
  keywords: [
    // Without it Apptainer takes the working directory, which is nobody's intention.
    { name: "from", required: true, meaning: "the folder, image file or archive" },
  ],
  summary: "a sandbox folder, SIF file, SquashFS file or archive of a root file system",
  async open(header, context) {
    refuseFingerprints(header);
    const from = header.get("from") ?? "";
    const file = resolve(context.folder, from);
    const found = await stat(file).catch((error: unknown) => {
      throw new SourceError("source/not-found", `there is no base image ${from}`, {
        hint: hintFor(from, context.folder),
        cause: error,
      });
    });
    if (found.isDirectory()) {
      const { readFolder } = await import("../folder/read-folder.ts");
      const options = { signal: context.signal, ...sandboxOwners() };
      return { kind: "image", tree: await readFolder(file, options) };
    }
    if (!found.isFile()) {
      throw new SourceError("source/not-an-image", `${from} is neither a folder nor a file`, {
        hint: "name a sandbox folder, a SIF or SquashFS file, or a tar archive",
      });
    }
    const { isArchive, openRootArchive } = await import("./root-archive.ts");
    if (await isArchive(file).catch(() => false)) return openRootArchive(file, from, context);
    const { openImage } = await import("./open-image.ts");
    const image = await openImage(file, from);
    return {
      kind: "image",
      tree: image.tree,
      ociConfig: image.ociConfig,
      dispose: () => image.dispose(),
    };
  },
};

function hintFor(from: string, folder: string): string {
  if (from.startsWith("~")) return "write the path out: ~ is not expanded in a header";
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(from)) {
    return "name a file or folder, without a scheme; images in registries have the agent docker";
  }
  return `relative names start at ${folder}; images in registries have the agent docker`;
}

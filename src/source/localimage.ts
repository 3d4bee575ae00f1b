import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { SourceError } from "../model/error.ts";
import type { ImageSource } from "./source.ts";

/** `Bootstrap: localimage`: an image that is here already; a sandbox folder, a SIF file or a SquashFS file. */
export const localImageSource: ImageSource = {
  names: ["localimage"],
  keywords: [
    // Without it Apptainer takes the working directory, which is nobody's intention.
    { name: "from", required: true, meaning: "the folder or image file" },
  ],
  summary: "a sandbox folder, SIF file or SquashFS file",
  async open(header, context) {
    const from = header.get("from") ?? "";
    const file = resolve(context.folder, from);
    const found = await stat(file).catch((error: unknown) => {
      throw new SourceError("source/not-found", `there is no base image ${from}`, {
        hint: `relative names start at ${context.folder}; images in registries have the agent docker`,
        cause: error,
      });
    });
    if (found.isDirectory()) {
      const { readFolder } = await import("../folder/read-folder.ts");
      return { kind: "image", tree: await readFolder(file, ownersFor(context.signal)) };
    }
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

/** A plain user outside of any namespace owns all of the sandbox, in the place of root. */
function ownersFor(
  signal: AbortSignal,
): Parameters<typeof import("../folder/read-folder.ts").readFolder>[1] {
  return process.geteuid?.() === 0 ? { signal } : { signal, owner: { uid: 0, gid: 0 } };
}

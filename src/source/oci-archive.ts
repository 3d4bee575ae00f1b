import { fromKeyword, locateImage, openArchive, openLayout } from "./oci-base.ts";
import type { ImageSource } from "./source.ts";

/**
 * An OCI image layout in a tar archive, which is read in place. Unlike Apptainer this also takes compressed archives,
 * members that start with `./`, and `path:name`.
 */
export const ociArchiveSource: ImageSource = {
  names: ["oci-archive"],
  keywords: [fromKeyword("the archive, with :name or @digest where it holds several images")],
  summary: "An OCI image layout in a tar archive.",
  async open(header, context) {
    const located = await locateImage(header, context);
    return openLayout(await openArchive(located, context), located.wanted, context);
  },
};

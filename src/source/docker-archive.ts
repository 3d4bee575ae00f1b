import { fromKeyword, locateImage, openArchive, openDockerArchive } from "./oci-base.ts";
import type { ImageSource } from "./source.ts";

/**
 * What `docker save` writes, old and new, read in place. Unlike Apptainer this also takes compressed archives and
 * `path:name:tag`.
 */
export const dockerArchiveSource: ImageSource = {
  names: ["docker-archive"],
  keywords: [fromKeyword("the archive, with :name:tag where it holds several images")],
  summary: "An archive made by docker save or podman save.",
  async open(header, context) {
    const located = await locateImage(header, context);
    return openDockerArchive(await openArchive(located, context), located.wanted, context);
  },
};

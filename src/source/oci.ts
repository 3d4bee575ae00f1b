import { stat } from "node:fs/promises";
import { SourceError } from "../model/error.ts";
import { fromKeyword, locateImage, openLayout } from "./oci-base.ts";
import type { ImageSource } from "./source.ts";

/**
 * An OCI image layout in a folder: `From: folder`, `folder:name` or `folder@sha256:…`. Apptainer knows the digest form
 * only; the name, as skopeo and umoci write it, is ours.
 */
export const ociSource: ImageSource = {
  names: ["oci"],
  keywords: [fromKeyword("the folder, with :name or @digest where it holds several images")],
  summary: "An OCI image layout in a folder.",
  async open(header, context) {
    const located = await locateImage(header, context);
    if (!(await stat(located.file)).isDirectory()) {
      throw new SourceError("source/not-a-layout", `${located.name} is not a folder`, {
        hint: "for an archive use Bootstrap: oci-archive or docker-archive",
      });
    }
    const { LayoutFolder } = await import("../oci/layout-folder.ts");
    return openLayout(new LayoutFolder(located.file, located.name), located.wanted, context);
  },
};

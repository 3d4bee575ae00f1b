import { SourceError } from "../model/error.ts";
import type { ImageSource } from "./source.ts";

/** An image of Singularity Hub, which has ended. */
export const shubSource: ImageSource = {
  names: ["shub"],
  keywords: [{ name: "from", required: true, meaning: "collection/image:tag" }],
  summary: "An image of Singularity Hub, a service that has ended.",
  async open(header) {
    const from = header.get("from") ?? "";
    throw new SourceError(
      "source/singularity-hub",
      `shub://${from} can't be had: Singularity Hub took no more images in April 2021 and has since been switched off`,
      {
        hint: "many of its images live on in registries (try docker:// with the project's name); otherwise build it from its definition, which most projects keep in their Git repository, or ask its author for the SIF file",
      },
    );
  },
};

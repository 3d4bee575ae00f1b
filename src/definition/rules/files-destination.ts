import { stageOf } from "../stage-of.ts";
import { splitCopyLines } from "../copy-lines.ts";
import { sectionsOf, type Rule } from "./rule.ts";

/** A file without a destination goes to the path that it has on the host, and that starts at the root. */
export const filesDestination: Rule = {
  name: "files-destination",
  summary: "Every line of %files says where in the image the file goes.",
  *check(stage) {
    for (const section of sectionsOf(stage, "files")) {
      if (stageOf(section.argument).kind !== "host") continue;
      for (const { source, destination, location } of splitCopyLines(section).lines) {
        if (destination.startsWith("/")) continue;
        const isGiven = destination !== source;
        yield {
          location,
          message: isGiven
            ? `${destination} is taken as a path below the root directory of the image`
            : `${source} has no destination and goes to /${source.replace(/^(?:\.{0,2}\/)+/, "")}`,
          hint: "write the destination with its leading slash",
        };
      }
    }
  },
};

import { cutCopyLines } from "../copy-lines.ts";
import { stageOf } from "../stage-of.ts";
import { sectionsOf, type Finding, type Rule } from "./rule.ts";

/** A file without a destination goes to the path that it has on the host, and that starts at the root. */
export const filesDestination: Rule = {
  name: "files-destination",
  summary: "Every line of %files says where in the image the file goes.",
  *check(stage) {
    for (const section of sectionsOf(stage, "files")) {
      const isFromHost = stageOf(section).kind === "host";
      for (const { source, destination, start, end } of cutCopyLines(section)) {
        // What is no name of a file is another finding.
        if (source === undefined || source === "") continue;
        const finding =
          variable(source, destination) ?? (isFromHost ? relative(source, destination) : undefined);
        if (finding !== undefined) yield { location: section.placeOf(start, end), ...finding };
      }
    }
  },
};

type Advice = Omit<Finding, "location">;

/** Shell variables are filled in in a source, never in a destination. */
function variable(source: string, destination = source): Advice | undefined {
  if (destination === source) return undefined;
  const [name] = /\$(?:\w+|\{[^}]*\})|^~(?=\/|$)/.exec(destination) ?? [];
  if (name === undefined) return undefined;
  return {
    message: `nothing is filled in in a destination: this makes a folder that is called ${name}`,
    hint: "write the path itself, or a build argument: {{ NAME }}",
  };
}

function relative(source: string, given: string | undefined): Advice | undefined {
  const destination = given || source;
  // A comment that was taken for the destination has a warning of its own.
  if (/^[/#]/.test(destination)) return undefined;
  const path = source.replace(/^(?:\.{0,2}\/)+/, "");
  return {
    message:
      given === undefined
        ? `${source} has no destination and goes to /${path}`
        : `${destination} is taken as a path below the root directory of the image`,
    hint: "write the destination with its leading slash",
  };
}

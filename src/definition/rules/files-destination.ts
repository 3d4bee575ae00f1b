import type { CopyLine } from "../../model/plan.ts";
import { splitCopyLines } from "../copy-lines.ts";
import { stageOf } from "../stage-of.ts";
import { sectionsOf, textLines, type Finding, type Rule } from "./rule.ts";

/** A file without a destination goes to the path that it has on the host, and that starts at the root. */
export const filesDestination: Rule = {
  name: "files-destination",
  summary: "Every line of %files says where in the image the file goes.",
  *check(stage) {
    for (const section of sectionsOf(stage, "files")) {
      const isFromHost = stageOf(section.argument).kind === "host";
      const texts = new Map([...textLines(section)].map((line) => [line.location.line, line.text]));
      for (const line of splitCopyLines(section).lines) {
        const text = texts.get(line.location.line) ?? "";
        const finding = variable(line) ?? (isFromHost ? relative(line, text) : undefined);
        if (finding !== undefined) yield { location: line.location, ...finding };
      }
    }
  },
};

type Advice = Omit<Finding, "location">;

/** Shell variables are filled in in a source, never in a destination. */
function variable({ source, destination }: CopyLine): Advice | undefined {
  if (destination === source) return undefined;
  const [name] = /\$(?:\w+|\{[^}]*\})|^~(?=\/|$)/.exec(destination) ?? [];
  if (name === undefined) return undefined;
  return {
    message: `nothing is filled in in a destination: this makes a folder that is called ${name}`,
    hint: "write the path itself, or a build argument: {{ NAME }}",
  };
}

function relative({ source, destination }: CopyLine, text: string): Advice | undefined {
  // A comment that was taken for the destination has a warning of its own.
  if (/^[/#]/.test(destination)) return undefined;
  const isGiven = text !== source && text !== `"${source}"`;
  const path = source.replace(/^(?:\.{0,2}\/)+/, "");
  return {
    message: isGiven
      ? `${destination} is taken as a path below the root directory of the image`
      : `${source} has no destination and goes to /${path}`,
    hint: "write the destination with its leading slash",
  };
}

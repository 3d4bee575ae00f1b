import type { Section } from "../../model/definition.ts";
import type { Losses } from "../losses.ts";
import type { Marks } from "./marks.ts";
import { sectionLine } from "./section-line.ts";
import { environmentStarter } from "./start-instructions.ts";

/** Variables that Apptainer sets and Docker doesn't, with what to do about it. */
const hints: Readonly<Record<string, string>> = {
  ENVIRONMENT: "set variables in %environment with export NAME=VALUE",
  LABELS: "write them in %labels",
  ROOTFS: "copy with %files",
};

/** Tells each line of a script that uses what only Apptainer has. */
export function tellVariables(section: Section, marks: Marks, losses: Losses): void {
  const { name } = section;
  if (["pre", "setup", "labels", "applabels", "help", "apphelp"].includes(name)) return;
  if (name === "files" || name === "appfiles" || name === "arguments") return;
  for (const [index, text] of section.body.split("\n").entries()) {
    if (text.trim().startsWith("#")) continue;
    const pattern =
      /\$\{?((?:APPTAINER|SINGULARITY)_([A-Z]+)|SCIF_\w+)|(\/\.singularity\.d(?:\/[\w./-]*)?)/;
    const [, variable, kind = "", path] = pattern.exec(marks.shown(text)) ?? [];
    if (name === "post" && /(?:^|[\s"'=:>])\/(?:var\/)?tmp\b/.test(text)) {
      losses.differsOnce(
        `temporary ${section.location.line}`,
        sectionLine(section, index, text),
        "what %post leaves in /tmp or /var/tmp stays in the image",
        "remove it in %post",
      );
    }
    // What an app's scripts know of it is there.
    if (variable?.startsWith("SCIF_") === true && section.app !== undefined) continue;
    const location = sectionLine(section, index, text);
    if (path !== undefined) {
      losses.differs(location, `there is no ${path} in an image of Docker`, "do without it");
    } else if (variable !== undefined && name === "post" && kind === "ENVIRONMENT") {
      const message = `what is written to $${variable} is set for what ${environmentStarter} starts`;
      losses.differs(location, message, hints[kind] ?? "");
    } else if (variable !== undefined) {
      losses.lost(
        location,
        `Docker has no $${variable}`,
        hints[kind] ?? "give it with docker run -e",
      );
    }
  }
}

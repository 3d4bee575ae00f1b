import { sectionsOf, type Rule } from "./rule.ts";

/** Only the last stage becomes the image; of the others only files are taken along. */
export const lostSection: Rule = {
  name: "lost-section",
  summary: "Help, labels, environment, scripts and apps stand in the stage that becomes the image.",
  *check(stage, { isFinal }) {
    if (isFinal) return;
    const hasTest = sectionsOf(stage, "test").length > 0;
    const seen = new Set<string>();
    for (const { name, app, location } of stage.sections) {
      const isLost =
        app !== undefined ||
        ["help", "labels", "runscript", "startscript"].includes(name) ||
        (name === "environment" && !hasTest);
      if (!isLost || seen.has(name)) continue;
      seen.add(name);
      yield {
        location,
        message: `%${name} of a stage that is not the last does not get into the image`,
        hint: "move the section to the last stage",
      };
    }
  },
};

import type { Rule } from "./rule.ts";

/** A CR before a line feed is dropped when the definition is read; any other stays and means nothing good. */
export const carriageReturn: Rule = {
  name: "carriage-return",
  summary: "Scripts have no carriage returns.",
  *check(stage) {
    for (const section of stage.sections) {
      if (section.name === "help" || section.name === "apphelp") continue;
      const at = section.body.indexOf("\r");
      if (at === -1) continue;
      yield {
        location: section.placeOf(at, at + 1),
        message: `a carriage return is left in %${section.name}; to a shell it is part of the word before it`,
        hint: "save the file with plain line feeds: tr -d '\\r' < old.def > new.def",
      };
    }
  },
};

import type { Rule } from "./rule.ts";
import { characterCount } from "../character-count.ts";

/** A CR before a line feed is dropped when the definition is read; any other stays and means nothing good. */
export const carriageReturn: Rule = {
  name: "carriage-return",
  summary: "Scripts have no carriage returns.",
  *check(stage) {
    for (const section of stage.sections) {
      if (section.name === "help" || section.name === "apphelp") continue;
      const index = section.body.split("\n").findIndex((line) => line.includes("\r"));
      if (index === -1) continue;
      const line = section.body.split("\n")[index] ?? "";
      yield {
        location: {
          file: section.location.file,
          line: section.lines[index] ?? section.location.line,
          column: characterCount(line.slice(0, line.indexOf("\r"))) + 1,
          length: 1,
        },
        message: `a carriage return is left in %${section.name}; to a shell it is part of the word before it`,
        hint: "save the file with plain line feeds: tr -d '\\r' < old.def > new.def",
      };
    }
  },
};

import { sectionsOf, type Rule } from "./rule.ts";
import { characterCount } from "../character-count.ts";

/** A `#!` line counts on the first line of some sections, and nowhere else. */
export const lostShebang: Rule = {
  name: "lost-shebang",
  summary: "A #! line stands where it counts.",
  *check(stage) {
    const names = [
      "pre",
      "setup",
      "post",
      "environment",
      "appinstall",
      "apprun",
      "apptest",
    ] as const;
    for (const { name, body, lines, location } of sectionsOf(stage, ...names)) {
      const program = /^#!\s*(\S.*)/.exec(body)?.[1];
      // What says that sh runs it says the truth.
      if (program === undefined || /^\/(?:usr\/)?bin\/(?:env +)?(?:sh|dash)\b/.test(program))
        continue;
      const length = characterCount(body.split("\n", 1)[0] ?? "");
      yield {
        location: { file: location.file, line: lines[0] ?? location.line, column: 1, length },
        message: `the #! line of %${name} is only a comment: /bin/sh runs it`,
        hint: ["pre", "setup", "post"].includes(name)
          ? `write %${name} -c ${program}`
          : "take the line away, and write for sh",
      };
    }
    for (const { name, body, lines, location } of sectionsOf(
      stage,
      "runscript",
      "startscript",
      "test",
    )) {
      const before = /^(?:[^\S\n]*\n)+(?=\s*#!)/.exec(body)?.[0];
      if (before === undefined) continue;
      const index = before.split("\n").length - 1;
      const text = body.split("\n")[index] ?? "";
      // Without its line the script is run by sh all the same.
      if (/^\s*#!\s*\/(?:usr\/)?bin\/(?:env +)?sh\s*$/.test(text)) continue;
      const column = text.indexOf("#!") + 1;
      yield {
        location: {
          file: location.file,
          line: lines[index] ?? location.line,
          column,
          length: characterCount(text.trim()),
        },
        message: `the #! line of %${name} is lost: Apptainer takes the blank line above it instead`,
        hint: "take the blank line away",
      };
    }
  },
};

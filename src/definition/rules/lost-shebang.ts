import { sectionsOf, type Rule } from "./rule.ts";

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
    for (const section of sectionsOf(stage, ...names)) {
      const { name, body } = section;
      const program = /^#!\s*(\S.*)/.exec(body)?.[1];
      // What says that sh runs it says the truth.
      if (program === undefined || /^\/(?:usr\/)?bin\/(?:env +)?(?:sh|dash)\b/.test(program))
        continue;
      yield {
        location: section.placeOf(0, body.length),
        message: `the #! line of %${name} is only a comment: /bin/sh runs it`,
        hint: ["pre", "setup", "post"].includes(name)
          ? `write %${name} -c ${program}`
          : "take the line away, and write for sh",
      };
    }
    for (const section of sectionsOf(stage, "runscript", "startscript", "test")) {
      const { name, body } = section;
      const [text, blanks, line] = /^((?:[^\S\n]*\n)+[^\S\n]*)(#!.*)/.exec(body) ?? [];
      if (text === undefined || blanks === undefined || line === undefined) continue;
      // Without its line the script is run by sh all the same.
      if (/^#!\s*\/(?:usr\/)?bin\/(?:env +)?sh\s*$/.test(line)) continue;
      yield {
        location: section.placeOf(blanks.length, text.trimEnd().length),
        message: `the #! line of %${name} is lost: Apptainer takes the blank line above it instead`,
        hint: "take the blank line away",
      };
    }
  },
};

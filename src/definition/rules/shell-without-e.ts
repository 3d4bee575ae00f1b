import { scriptInterpreter } from "../script-interpreter.ts";
import { sectionsOf, type Rule } from "./rule.ts";
import type { ShellCommand } from "./shell-command.ts";
import { shellCommands } from "./shell-commands.ts";

const stopsOnFailure = ({ words: [program, ...options] }: ShellCommand): boolean =>
  program === "set" && options.some((word) => /^-[A-Za-z]*e/.test(word) || word === "errexit");

/** With `-c` the shell named there runs the script, without the `-e` that `/bin/sh` is given. */
export const shellWithoutE: Rule = {
  name: "shell-without-e",
  summary: "A script with a shell of its own stops at the first command that fails.",
  *check(stage) {
    for (const section of sectionsOf(stage, "pre", "setup", "post")) {
      const interpreter = scriptInterpreter(section);
      if (interpreter?.kind !== "command") continue;
      const [, ...options] = interpreter.text.split(" ");
      if (options.some((word) => /^-[A-Za-z]*e/.test(word) || word === "errexit")) continue;
      if (shellCommands(section).some(stopsOnFailure)) continue;
      yield {
        location: section.location,
        message: `%${section.name} goes on after a command that fails: ${interpreter.text} runs it without -e`,
        hint: "let the script start with set -e",
      };
    }
  },
};

import { sectionsOf, type Rule } from "./rule.ts";
import { shellCommands } from "./shell-commands.ts";

/** What sets variables, or decides whether they are set. */
const allowed = new Set(
  "export unset if then elif else fi case esac for in do done while until test [ [[ ] : . source true false readonly eval alias umask ulimit local return break continue shift } command type which hash module".split(
    " ",
  ),
);

/** The environment is read whenever the container starts, by every user, for every command. */
export const environmentCommand: Rule = {
  name: "environment-command",
  summary: "The environment sets variables and does nothing else.",
  *check(stage) {
    for (const section of sectionsOf(stage, "environment", "appenv")) {
      for (const { words, location } of shellCommands(section)) {
        const program = words.find((word) => !/^[A-Za-z_]\w*\+?=/.test(word));
        if (program === undefined || allowed.has(program)) continue;
        // The pattern of a `case`, or the name of a function.
        if (/^(?:[*?"'[\w.-]+)$/.test(program) && words.length === 1 && !effects.has(program)) {
          continue;
        }
        yield {
          location,
          message:
            program === "set"
              ? "set changes the shell that every command of the container is started from"
              : `${program} runs whenever the container starts, and what it prints gets into the output of programs`,
          hint: "do it once in %post, or in %runscript if it has to be done each time",
        };
      }
    }
  },
};

/** Programs that do something without a further word. */
const effects = new Set(["exit", "exec", "cd", "date", "env", "pwd", "whoami", "ls", "set"]);

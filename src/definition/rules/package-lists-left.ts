import type { ShellCommand } from "./shell-commands.ts";
import { sectionsOf, type Rule } from "./rule.ts";
import { programWords, shellCommands } from "./shell-commands.ts";

interface Cache {
  readonly name: string;
  readonly stay: "stay" | "stays";
  /** Whether the command fills the cache. */
  fills(program: string, words: readonly string[]): boolean;
  /** Whether it empties it again. */
  empties(program: string, words: readonly string[]): boolean;
  /** What to do, for the program that fills it. */
  fix(program: string): string;
}

const removes = (folder: RegExp) => (program: string, words: readonly string[]) =>
  (program === "rm" || program === "find") && words.some((word) => folder.test(word));

const caches: readonly Cache[] = [
  {
    name: "the package lists of apt",
    stay: "stay",
    fills: (program, words) => /^apt(?:-get)?$/.test(program) && words.includes("update"),
    empties: removes(
      /\/var\/(?:lib\/apt|lib)?(?:\/lists|\/\*|\/apt\/?)|\/var\/lib\/(?:apt\/)?\*|\/var\/lib\/\{[^}]*\bapt\b/,
    ),
    fix: () => "end with rm -rf /var/lib/apt/lists/*",
  },
  {
    name: "the cache of dnf",
    stay: "stays",
    fills: (program, words) =>
      /^(?:dnf|yum|microdnf)$/.test(program) &&
      words.some((word) => /install|update|upgrade/.test(word)),
    empties: (program, words) =>
      (/^(?:dnf|yum|microdnf)$/.test(program) && words.includes("clean")) ||
      removes(/\/var\/cache/)(program, words),
    fix: (program) => `end with ${program} clean all`,
  },
  {
    name: "the cache of zypper",
    stay: "stays",
    fills: (program, words) =>
      program === "zypper" && words.some((word) => /^(?:in|install|ref|refresh)$/.test(word)),
    empties: (program, words) =>
      (program === "zypper" && words.some((word) => /^(?:clean|cc)$/.test(word))) ||
      removes(/\/var\/cache/)(program, words),
    fix: () => "end with zypper clean --all",
  },
  {
    name: "the index of apk",
    stay: "stays",
    fills: (program, words) =>
      program === "apk" &&
      !words.includes("--no-cache") &&
      (words.includes("update") ||
        words.some((word) => /^(?:-U|--update|--update-cache)$/.test(word))),
    empties: removes(/\/var\/cache/),
    fix: () => "use apk add --no-cache, which needs no apk update",
  },
  {
    name: "the packages of conda",
    stay: "stay",
    fills: (program, words) =>
      /(?:^|\/)(?:conda|mamba|micromamba)$/.test(program) &&
      words.some((word) => /^(?:install|create|update)$/.test(word)),
    empties: (program, words) =>
      (/(?:^|\/)(?:conda|mamba|micromamba)$/.test(program) && words.includes("clean")) ||
      removes(/\/pkgs/)(program, words) ||
      // /tmp is no folder of the image.
      [program, ...words].some((word) => /^CONDA_PKGS_DIRS=["']?\/(?:var\/)?tmp\b/.test(word)),
    fix: (program) => `end with ${program} clean --all --yes`,
  },
];

/** What a package manager keeps for the next time is of no use in an image that nobody writes to. */
export const packageListsLeft: Rule = {
  name: "package-lists-left",
  summary: "What package managers keep for later is removed from the image.",
  *check(stage, { isFinal }) {
    if (!isFinal) return;
    const commands = sectionsOf(stage, "post", "appinstall").flatMap(shellCommands);
    for (const cache of caches) {
      const matches = (method: "fills" | "empties") => (command: ShellCommand) => {
        const [program = "", ...words] = programWords(command);
        return cache[method](program, words);
      };
      const filling = commands.findLast(matches("fills"));
      if (filling === undefined || commands.some(matches("empties"))) continue;
      yield {
        location: filling.location,
        message: `${cache.name} ${cache.stay} in the image`,
        hint: cache.fix(programWords(filling)[0] ?? ""),
      };
    }
  },
};

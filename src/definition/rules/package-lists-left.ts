import { sectionsOf, type Rule } from "./rule.ts";
import type { ShellCommand } from "./shell-command.ts";
import { shellCommands } from "./shell-commands.ts";

type Matcher = (command: ShellCommand) => boolean;

interface Cache {
  readonly name: string;
  readonly stay: "stay" | "stays";
  /** The programs that it is the cache of. */
  readonly programs: RegExp;
  /** Whether a command of one of them fills it. */
  readonly fills: Matcher;
  /** What empties it again. */
  readonly empties: readonly Matcher[];
  /** What to do, for the program that fills it. */
  fix(program: string): string;
}

/** Whether a command is one of the programs with such a word. */
const runs =
  (programs: RegExp, words: RegExp): Matcher =>
  (command) =>
    programs.test(command.program) && command.rest.some((word) => words.test(word));

const removes = (folder: RegExp) => runs(/^(?:rm|find)$/, folder);

const apt = /^apt(?:-get)?$/;
const dnf = /^(?:dnf|yum|microdnf)$/;
const zypper = /^zypper$/;
const apk = /^apk$/;
const conda = /(?:^|\/)(?:conda|mamba|micromamba)$/;

const caches: readonly Cache[] = [
  {
    name: "the package lists of apt",
    stay: "stay",
    programs: apt,
    fills: runs(apt, /^update$/),
    empties: [
      removes(
        /\/var\/(?:lib\/apt|lib)?(?:\/lists|\/\*|\/apt\/?)|\/var\/lib\/(?:apt\/)?\*|\/var\/lib\/\{[^}]*\bapt\b/,
      ),
    ],
    fix: () => "end with rm -rf /var/lib/apt/lists/*",
  },
  {
    name: "the cache of dnf",
    stay: "stays",
    programs: dnf,
    fills: runs(dnf, /install|update|upgrade/),
    empties: [runs(dnf, /^clean$/), removes(/\/var\/cache/)],
    fix: (program) => `end with ${program} clean all`,
  },
  {
    name: "the cache of zypper",
    stay: "stays",
    programs: zypper,
    fills: runs(zypper, /^(?:in|install|ref|refresh)$/),
    empties: [runs(zypper, /^(?:clean|cc)$/), removes(/\/var\/cache/)],
    fix: () => "end with zypper clean --all",
  },
  {
    name: "the index of apk",
    stay: "stays",
    programs: apk,
    fills: (command) =>
      runs(apk, /^(?:update|-U|--update|--update-cache)$/)(command) &&
      !command.rest.includes("--no-cache"),
    empties: [removes(/\/var\/cache/)],
    fix: () => "use apk add --no-cache, which needs no apk update",
  },
  {
    name: "the packages of conda",
    stay: "stay",
    programs: conda,
    fills: runs(conda, /^(?:install|create|update)$/),
    empties: [
      runs(conda, /^clean$/),
      removes(/\/pkgs/),
      // /tmp is no folder of the image.
      runs(/./, /^CONDA_PKGS_DIRS=["']?\/(?:var\/)?tmp\b/),
    ],
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
    const programs = [...new Set(commands.map(({ program }) => program))];
    for (const cache of caches) {
      if (!programs.some((program) => cache.programs.test(program))) continue;
      const filling = commands.findLast(cache.fills);
      if (filling === undefined || cache.empties.some((empties) => commands.some(empties)))
        continue;
      yield {
        location: filling.location,
        message: `${cache.name} ${cache.stay} in the image`,
        hint: cache.fix(filling.program),
      };
    }
  },
};

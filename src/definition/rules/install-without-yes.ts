import { sectionsOf, type Rule } from "./rule.ts";
import { shellCommands } from "./shell-commands.ts";

interface Manager {
  readonly verbs: RegExp;
  readonly yes: RegExp;
  readonly fix: string;
  /** What makes it ask nothing when it stands anywhere in the scripts of a stage. */
  readonly setting?: RegExp;
}

const asking: Readonly<Record<string, Manager>> = {
  apt: {
    verbs: /^(?:install|upgrade|dist-upgrade|full-upgrade|remove|purge|autoremove|build-dep)$/,
    // Two q imply yes.
    yes: /^(?:--yes|--assume-yes|--assume-no|--quiet=[2-9]|-[a-z]*q[a-z]*q[a-z]*|-[a-z]*y[a-z]*)$/i,
    fix: "-y",
    setting: /\bAssume-Yes\b/i,
  },
  dnf: {
    verbs:
      /^(?:install|localinstall|groupinstall|group|update|upgrade|distro-sync|remove|erase|autoremove|builddep|module)$/,
    yes: /^(?:--assumeyes|--assumeno|-[a-z]*y[a-z]*)$/,
    fix: "-y",
    setting: /\bassumeyes\s*=\s*(?:1|true|yes)/i,
  },
  zypper: {
    verbs: /^(?:install|in|update|up|dist-upgrade|dup|remove|rm|patch)$/,
    yes: /^(?:--non-interactive|-n|--no-confirm|-y)$/,
    fix: "-n before install",
  },
  pacman: {
    verbs: /^(?:-S[a-z]*|-U|-R[a-z]*)$/,
    yes: /^--noconfirm$/,
    fix: "--noconfirm",
  },
};

const family: Readonly<Record<string, string>> = {
  apt: "apt",
  "apt-get": "apt",
  dnf: "dnf",
  yum: "dnf",
  microdnf: "dnf",
  zypper: "zypper",
  pacman: "pacman",
};

/** Nobody can answer: scripts of a build read from nowhere. (conda takes that for a yes.) */
export const installWithoutYes: Rule = {
  name: "install-without-yes",
  summary: "Package managers are told not to ask.",
  *check(stage) {
    const sections = sectionsOf(stage, "post", "appinstall");
    // Once for all commands: the scripts may be long.
    const settled = new Set(
      Object.values(asking).filter(({ setting }) =>
        sections.some(({ body }) => setting?.test(body) === true),
      ),
    );
    for (const section of sections) {
      for (const command of shellCommands(section)) {
        const { program } = command;
        const manager = asking[family[program] ?? ""];
        if (manager === undefined || settled.has(manager)) continue;
        const words = command.rest;
        const verb = words.find((word) => manager.verbs.test(word));
        if (verb === undefined || words.some((word) => manager.yes.test(word))) continue;
        if (command.isPiped || words.some((word) => /^<{1,3}-?$/.test(word))) continue;
        // A variable may hold the option.
        if (words.some((word) => /^\$\{?\w*(?:OPT|FLAG|ARG|YES)/i.test(word))) continue;
        if (!asks(program, verb, words)) continue;
        const dash = words.find((word) => /^[\u2010-\u2015\u2212]/.test(word));
        yield dash === undefined
          ? {
              location: command.location,
              message: `${program} ${verb} may ask before it goes on, and nobody answers`,
              hint: `add ${manager.fix}`,
            }
          : {
              location: command.location,
              message: `${dash} is no option of ${program}: it starts with a dash, not with a hyphen`,
              hint: `write -${dash.slice(1)}`,
            };
      }
    }
  },
};

/** Whether there is something to do, about which a question can be asked. */
function asks(program: string, verb: string, words: readonly string[]): boolean {
  const hasNames = words.some((word) => word !== verb && !/^(?:-|[<>&|]|\d$)/.test(word));
  if (program === "pacman") {
    return hasNames ? !/^-S[a-z]*[silgp]/.test(verb) : /^-S[a-z]*[uc]/.test(verb);
  }
  if (family[program] !== "apt" || !/^(?:install|remove|purge)$/.test(verb)) return true;
  return hasNames || words.some((word) => /^(?:-[a-z]*f[a-z]*|--fix-broken)$/.test(word));
}

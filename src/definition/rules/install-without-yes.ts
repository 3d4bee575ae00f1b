import { sectionsOf, type Rule } from "./rule.ts";
import { programWords, shellCommands } from "./shell-commands.ts";

const asking: Readonly<Record<string, { verbs: RegExp; yes: RegExp; fix: string }>> = {
  apt: {
    verbs: /^(?:install|upgrade|dist-upgrade|full-upgrade|remove|purge|autoremove|build-dep)$/,
    // `-qq` implies yes.
    yes: /^(?:--yes|--assume-yes|--assume-no|-qq|--quiet=2|-[a-z]*y[a-z]*)$/i,
    fix: "-y",
  },
  dnf: {
    verbs:
      /^(?:install|localinstall|groupinstall|group|update|upgrade|distro-sync|remove|erase|autoremove|builddep|module)$/,
    yes: /^(?:--assumeyes|--assumeno|-[a-z]*y[a-z]*)$/,
    fix: "-y",
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

/** Nobody can answer: scripts of a build read from nowhere. */
export const installWithoutYes: Rule = {
  name: "install-without-yes",
  summary: "Package managers are told not to ask.",
  *check(stage) {
    for (const section of sectionsOf(stage, "post", "appinstall")) {
      for (const command of shellCommands(section)) {
        const [program = "", ...words] = programWords(command);
        const manager = asking[family[program] ?? ""];
        if (manager === undefined) continue;
        const verb = words.find((word) => manager.verbs.test(word));
        if (verb === undefined || words.some((word) => manager.yes.test(word))) continue;
        if (command.isPiped || words.some((word) => /^<{1,3}-?$/.test(word))) continue;
        yield {
          location: command.location,
          message: `${program} ${verb} asks before it goes on, and nobody answers`,
          hint: `add ${manager.fix}`,
        };
      }
    }
  },
};

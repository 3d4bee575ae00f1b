import { splitCopyLines } from "../copy-lines.ts";
import { sectionsOf, type Finding, type Rule } from "./rule.ts";
import { programWords, shellCommands } from "./shell-commands.ts";

/** What Apptainer mounts over when it starts a container, unless it is told otherwise. */
const mounted = /^\/(?:tmp|var\/tmp|home|root|proc|sys|dev)(?:\/|$)/;
const home = /^(?:~|\$HOME|\$\{HOME\}|\/root|\/home)(?:\/|$)/;
const hint = "use a folder of the image's own, /opt for one";

/** What lies below a folder that is mounted over is in the image, and nobody sees it. */
export const hiddenByMounts: Rule = {
  name: "hidden-by-mounts",
  summary: "Nothing is installed where the user's home, /tmp or /dev is mounted over it.",
  *check(stage, { isFinal }) {
    if (!isFinal) return;
    for (const section of sectionsOf(stage, "files")) {
      for (const { destination, location } of splitCopyLines(section).lines) {
        if (!mounted.test(destination)) continue;
        const message = `${destination} is hidden when the container runs: the host's folder is mounted over it`;
        yield { location, message, hint };
      }
    }
    for (const section of sectionsOf(stage, "post")) {
      for (const command of shellCommands(section)) {
        const finding = homeInstallation(programWords(command));
        if (finding !== undefined) yield { location: command.location, ...finding };
      }
    }
    for (const section of sectionsOf(stage, "environment", "runscript", "startscript")) {
      for (const command of shellCommands(section)) {
        const path = command.words
          .flatMap((word) => word.replace(/^\w+=/, "").split(":"))
          .find((part) => /^\/root\/./.test(part));
        if (path === undefined) continue;
        const message = `${path} can't be seen by other users than root, and is hidden when root runs the container`;
        yield { location: command.location, message, hint };
      }
    }
  },
};

/** A program that is told to install below the home folder. */
function homeInstallation(words: readonly string[]): Omit<Finding, "location"> | undefined {
  const [program = "", ...rest] = words;
  if (/(?:^|\/)pip3?$/.test(program) && rest.includes("install") && rest.includes("--user")) {
    const message =
      "pip install --user installs below /root, which is hidden when the container runs";
    return { message, hint: "leave --user out" };
  }
  for (const [index, word] of rest.entries()) {
    const named = /^--?(?:prefix|target|install-dir|installdir)=(.*)$/i.exec(word)?.[1];
    const path = named ?? (/^(?:--prefix|-p)$/.test(rest[index - 1] ?? "") ? word : "");
    if (home.test(path) && program !== "mkdir" && program !== "cp" && program !== "ssh") {
      return {
        message: `${path} is hidden when the container runs: the user's home is mounted there`,
        hint,
      };
    }
  }
  return undefined;
}

import type { Stage } from "../../model/definition.ts";
import { cutCopyLines } from "../copy-lines.ts";
import { sectionsOf, type Finding, type Rule } from "./rule.ts";
import type { ShellCommand } from "./shell-command.ts";
import { shellCommands } from "./shell-commands.ts";

/** What is mounted over when a container starts, unless Apptainer is told otherwise. */
const temporary = /^\/(?:var\/)?tmp(?:\/|$)/;
const hosts = /^\/(?:proc|sys|dev)(?:\/|$)/;
/** The home of root: other users' homes are mounted beside what an image has below /home. */
const rootHome = /^\/root(?:\/|$)/;
const home = /^(?:~|\$HOME|\$\{HOME\}|\/root)(?:\/|$)/;
/** What a script has somewhere that installs below the home folder. Most don't, and are not looked at word by word. */
const homeSomewhere = /~|\$HOME|\$\{HOME\}|\/root|--user/;
const hint = "use a folder of the image's own, /opt for one";

/** What lies below a folder that is mounted over is in the image, and nobody sees it. */
export const hiddenByMounts: Rule = {
  name: "hidden-by-mounts",
  summary: "Nothing is installed where root's home, /tmp or /dev is mounted over it.",
  *check(stage, { isFinal }) {
    const isOpen = opensRootHome(stage);
    for (const section of sectionsOf(stage, "files")) {
      for (const { source = "", destination, start, end } of cutCopyLines(section)) {
        const target = destination || source;
        const message = hiddenFile(target, isOpen);
        if (message === undefined) continue;
        // An earlier stage's files are there for %files from, and often for its script.
        if (!isFinal && !usesInPost(stage, source, target)) continue;
        yield { location: section.placeOf(start, end), message, hint };
      }
    }
    if (!isFinal || isOpen) return;
    for (const section of sectionsOf(stage, "post")) {
      if (!homeSomewhere.test(section.body)) continue;
      const commands = shellCommands(section);
      // Then `~` is another folder.
      if (commands.some(({ words }) => words.some((word) => word.startsWith("HOME=")))) continue;
      for (const command of commands) {
        const finding = homeInstallation(command);
        if (finding !== undefined) yield { location: command.location, ...finding };
      }
    }
    for (const section of sectionsOf(stage, "environment", "runscript", "startscript")) {
      if (!section.body.includes("/root/")) continue;
      for (const command of shellCommands(section)) {
        const path = command.words
          .flatMap((word) => word.replace(/^\w+=/, "").split(":"))
          .find((part) => /^\/root\/./.test(part));
        if (path === undefined) continue;
        yield { location: command.location, message: onlyForRoot(path), hint };
      }
    }
  },
};

const onlyForRoot = (path: string) =>
  `${path} can't be seen by other users than root, and is hidden when root runs the container`;

function hiddenFile(destination: string, isOpen: boolean): string | undefined {
  if (temporary.test(destination)) {
    return `what is copied to ${destination} is hidden from %post and in the running container: another folder is mounted over it`;
  }
  if (hosts.test(destination)) {
    return `what is copied to ${destination} is hidden: the host's folder is mounted over it`;
  }
  return rootHome.test(destination) && !isOpen ? onlyForRoot(destination) : undefined;
}

/** Whether the script of the stage uses a file that is hidden from it. */
function usesInPost(stage: Stage, source: string, destination: string): boolean {
  if (!temporary.test(destination)) return false;
  const name = source.split("/").findLast((part) => part !== "") ?? "";
  const isFolder = destination.endsWith("/") || /^\/(?:var\/)?tmp$/.test(destination);
  const path = isFolder ? `${destination.replace(/\/+$/, "")}/${name}` : destination;
  return sectionsOf(stage, "post").some(({ body }) => body.includes(path));
}

/** Whether the script lets others than root into root's home. */
function opensRootHome(stage: Stage): boolean {
  return sectionsOf(stage, "post")
    .filter(({ body }) => body.includes("/root"))
    .flatMap(shellCommands)
    .some(
      ({ program, words }) => program === "chmod" && words.some((word) => /^\/root\/?$/.test(word)),
    );
}

/** A program that is told to install below the home folder. */
function homeInstallation({ program, rest }: ShellCommand): Omit<Finding, "location"> | undefined {
  if (/(?:^|\/)pip3?$/.test(program) && rest.includes("install") && rest.includes("--user")) {
    return {
      message: onlyForRoot("what pip install --user puts below /root"),
      hint: "leave --user out",
    };
  }
  for (const [index, word] of rest.entries()) {
    if (!word.startsWith("-")) continue;
    const named = /^--?(?:prefix|target|install-dir|installdir)=(.*)$/i.exec(word)?.[1];
    const path = named ?? (/^(?:--prefix|-p)$/.test(word) ? (rest[index + 1] ?? "") : "");
    if (home.test(path) && program !== "mkdir" && program !== "cp" && program !== "ssh") {
      return { message: onlyForRoot(path), hint };
    }
  }
  return undefined;
}

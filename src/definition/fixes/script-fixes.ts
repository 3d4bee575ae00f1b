// Fixes for the lines of scripts.

import type { Fixer } from "./place.ts";
import { replacing } from "./place.ts";

const yes: Readonly<Record<string, string>> = {
  apt: "-y",
  "apt-get": "-y",
  dnf: "-y",
  yum: "-y",
  microdnf: "-y",
  zypper: "-n",
  pacman: "--noconfirm",
};

/** Behind the program's name the option is taken by all of them, whatever comes then. */
export const installWithoutYes: Fixer = ({ start, text }) => {
  // Another character stands where the hyphen of the option should.
  if (/\s[\u2010-\u2015\u2212]/.test(text)) return undefined;
  const [before = "", program = ""] =
    /^(?:(?:[A-Za-z_]\w*=[^\s"'\\$`]*|sudo|env|exec|command|-[EHn])[ \t]+)*(apt|apt-get|dnf|yum|microdnf|zypper|pacman)(?=\s)/.exec(
      text,
    ) ?? [];
  const option = yes[program];
  if (option === undefined) return undefined;
  const at = start + before.length;
  return replacing(`Add ${option}`, at, at, ` ${option}`);
};

/** Those at the ends of lines, from the place to the next section. One within a line may stand for a line feed. */
export const carriageReturn: Fixer = ({ lines, line }) => {
  const edits: { start: number; end: number; text: string }[] = [];
  for (let number = line; number <= lines.count; number++) {
    const text = lines.line(number);
    if (number > line && /^\s*%|^bootstrap:/i.test(text)) break;
    const length = /\r+$/.exec(text)?.[0].length ?? 0;
    if (text.slice(0, text.length - length).includes("\r")) return undefined;
    const end = lines.start(number) + text.length;
    if (length > 0) edits.push({ start: end - length, end, text: "" });
  }
  return edits.length === 0 ? undefined : { title: "Take the carriage returns away", edits };
};

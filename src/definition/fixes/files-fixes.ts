// Fixes for the lines of `%files`.

import { replacing, type Fixer } from "./place.ts";

/** A word without anything that means more than itself. */
const plain = "[^\\s\"'\\\\*?\\[\\]{}#]+";
const plainLine = new RegExp(`^(${plain})(?:([ \\t]+)(${plain}))?(?:[ \\t]+#.*)?$`);

/** Writes the path that the destination stands for: `app.py` → `app.py /app.py`, `app.py opt/` → `app.py /opt/`. */
export const filesDestination: Fixer = ({ start, text }) => {
  const [, source = "", blanks = "", given] = plainLine.exec(text) ?? [];
  const path = (given ?? source).replace(/^(?:\.\/+)+/, "") || ".";
  if (source === "" || path.split("/").includes("..")) return undefined;
  // What is not filled in is hardly meant to stay as it is.
  if (given !== undefined && /^~|\$/.test(given)) return undefined;
  // `a # why` takes the comment for the destination, which is another finding.
  if (given === undefined && source.length !== text.length) return undefined;
  const destination = path === "." ? "/" : `/${path}`;
  const end = start + source.length;
  return given === undefined
    ? replacing(`Write the destination ${destination}`, end, end, ` ${destination}`)
    : replacing(
        `Write the destination ${destination}`,
        end + blanks.length,
        end + blanks.length + given.length,
        destination,
      );
};

const shellWord = /(?:[^\s'"\\#]|\\ |'[^'"\\]*')+/y;

/** `'my file'` and `my\ file`, which are the shell's, → `"my file"`. */
export const filesWords: Fixer = ({ start, end, text }) => {
  const words: string[] = [];
  for (let at = 0; at < text.length;) {
    shellWord.lastIndex = at;
    const raw = shellWord.exec(text)?.[0];
    if (raw === undefined || words.length === 2) return undefined;
    words.push(raw);
    at += raw.length;
    at += /^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0;
  }
  if (!words.some((word) => /['\\]/.test(word))) return undefined;
  const values = words.map((word) => word.replaceAll("'", "").replaceAll("\\ ", " "));
  if (values.includes("")) return undefined;
  const line = values.map((value, index) => (value === words[index] ? value : `"${value}"`));
  return replacing("Put the names between double quotes", start, end, line.join(" "));
};

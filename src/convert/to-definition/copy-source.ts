// What a COPY brings, and how `%files` names it.

import { displayText } from "../../definition/display-text.ts";
import type { Word } from "../dockerfile/docker-word.ts";
import { normal, withSlash } from "./copy-destination.ts";
import type { Copy, CopyContext } from "./copy-context.ts";
import { keptPath } from "./temporary-folders.ts";

export interface Source {
  /** As `%files` names it, without a slash at the end. */
  readonly path: string;
  readonly kind: "file" | "folder" | "unknown";
  readonly isPattern: boolean;
}

export function sourceOf(text: string, { origin, kindOf, isKept }: CopyContext): Source {
  const clean = normal(`/${text}`);
  const inStage = isKept ? keptPath(clean) : clean;
  const path = origin === undefined ? clean.slice(1) || "." : inStage;
  const isPattern = /[*?[]/.test(text);
  const isFolder = !isPattern && (/(?:^|\/)\.{0,2}$/.test(text) || clean === "/");
  const known = isPattern || origin !== undefined ? undefined : kindOf(path);
  return { path, kind: isFolder ? "folder" : (known ?? "unknown"), isPattern };
}

/** How `%files` says that a folder's contents are meant. */
export function contents({ path, kind }: Source, origin: string | undefined): string {
  if (kind !== "folder") return path;
  return origin === undefined ? `${path}/.` : withSlash(path);
}

/** A source of `%files`. Wildcards mean the same there; what else means something to a shell is escaped. */
export function sourceWord(text: string): string {
  return filesWord(
    text.replaceAll(/\{\{ \w+ \}\}|[$`{}~()&;|<>]/g, (found) =>
      found.length > 1 ? found : `\\${found}`,
    ),
  );
}

/** A word of `%files` that is taken as it is. */
export const filesWord = (text: string) => (/^[#%]|\s/.test(text) ? `"${text}"` : text);

/** Why a source can't be copied; undefined when it can. */
export function sourceProblem(copy: Copy, text: string): string | undefined {
  if (/^(?:https?|ftp|git|ssh):\/\/|^git@/i.test(text)) return "comes from the network";
  if (/["'\n\r\\]/.test(text)) return "has a quote, a backslash or a line feed in its name";
  const destination = copy.destination
    .map((part) => (part.kind === "text" ? part.text : ""))
    .join("");
  if (/["'\n\r\\]/.test(destination))
    return "goes to a name with a quote, a backslash or a line feed";
  return undefined;
}

export const sourceHint = (problem: string | undefined) =>
  problem === "comes from the network"
    ? "fetch it in %post with a program of the image, or before the build and copy it"
    : "rename the file, or name it without variables";

/** A word as its author wrote it, for messages. */
export const shown = (word: Word) =>
  displayText(word.map((part) => (part.kind === "text" ? part.text : `$${part.name}`)).join(""));

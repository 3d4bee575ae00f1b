// Where a COPY goes.

import { mountPoints } from "../../layout/base-layout.ts";
import type { Word } from "../dockerfile/docker-word.ts";
import type { Copy, CopyContext } from "./copy-context.ts";
import { shellText } from "./shell-text.ts";
import { quotedPath } from "./stage-draft.ts";

/** The destination in `%post`, which is in the working directory there. */
export function destinationWord(copy: Copy, { variables }: CopyContext): string {
  const known = variables.known(copy.destination);
  if (known === undefined) return shellText(copy.destination);
  return quotedPath(/(?:^|\/)\.{1,2}$/.test(known) ? `${known}/` : known);
}

/** The destination from the root, with a slash at its end when it is surely a folder; undefined when not known. */
export function placeOf(
  word: Word,
  { variables, folder, madeFolders }: CopyContext,
): string | undefined {
  const text = variables.template(word);
  if (text === undefined || text.includes("\n") || text === "") return undefined;
  if (!text.startsWith("/") && folder === undefined) return undefined;
  if (text.startsWith("{{")) return undefined;
  const clean = normal(text.startsWith("/") ? text : `${folder}/${text}`);
  const isFolder = /(?:^|\/)\.{0,2}$/.test(text) || madeFolders.has(clean);
  return isFolder ? withSlash(clean) : clean;
}

/** Whether a definition that starts from nothing has the folder all the same. */
export const isBaseFolder = (path: string): boolean =>
  mountPoints.some((folder) => `/${folder}/`.startsWith(`${path}/`));

export const withSlash = (path: string) => (path.endsWith("/") ? path : `${path}/`);

/** An absolute path without `.`, `..`, doubled slashes and a slash at its end. */
export function normal(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}

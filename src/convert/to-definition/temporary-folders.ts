// /tmp and /var/tmp are not the image's while %post runs: folders of the build are mounted there, empty at its start and
// gone after it. For Docker they are folders as all others.

import type { Word } from "../dockerfile/docker-word.ts";
import type { Instruction } from "../dockerfile/dockerfile.ts";
import type { Losses } from "../losses.ts";

const temporary = /^\/(?:var\/)?tmp(?:\/|$)/;

/** Whether a path, from the root, is one of the folders or lies in one. */
export const isTemporary = (path: string): boolean => temporary.test(path);

/** Where a stage keeps its folders for those that copy from it. */
const kept = "/.tsbuild-kept";

/** What is in a stage's folders in the end, as a path that other stages find it at. */
export const keptPath = (path: string): string => (isTemporary(path) ? `${kept}${path}` : path);

/** Lines for the end of `%post` that keep what is in the folders. */
export const keeping: readonly string[] = [
  `mkdir -p ${kept}/var`,
  `cp -a /tmp ${kept}/tmp`,
  `cp -a /var/tmp ${kept}/var/tmp`,
];

/** Whether a COPY from a stage asks for something in the folders, as far as can be seen. */
export function copiesTemporary({ sources }: { readonly sources: readonly Word[] }): boolean {
  return sources.some(([first]) => {
    return first?.kind === "text" && isTemporary(`/${first.text.replace(/^\/+/, "")}`);
  });
}

/** Tells once that what is left there is not in the image. */
export function tellTemporary({ location }: Instruction, losses: Losses): void {
  losses.differsOnce(
    "temporary",
    location,
    "what is left in /tmp or /var/tmp is not in the image",
    "use another folder for what should stay",
  );
}

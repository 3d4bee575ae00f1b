import type { Witness } from "../fake-root/witness.ts";
import { displayName, toByteString } from "../model/bytes-path.ts";
import type { Script } from "../model/plan.ts";

const mostNamed = 20;

/**
 * What a script asked for and the image will not have, path by path; undefined where nothing was lost. Longer lists end in
 * a count.
 * @param isThere whether there is still something of that name inside
 */
export function lostAttributes(
  { section }: Script,
  { losses, users }: Pick<Witness, "losses" | "users">,
  isThere: (path: string) => boolean,
): string | undefined {
  // A device was never made; of other things only what is left at the end is in the image.
  const lost = losses.filter(({ path, what }) => what.startsWith("device") || isThere(path));
  if (lost.length === 0 && users.length === 0) return undefined;
  const named = lost
    .slice(0, mostNamed)
    .map(({ path, what }) => `${displayName(toByteString(path))}: ${what}`);
  const more = lost.length - named.length;
  return [
    `what %${section} asked for and the image does not have:`,
    ...named,
    ...(more > 0 ? [`and ${more} more`] : []),
    ...(users.length === 0
      ? []
      : [
          `programs of it became the ${users.length === 1 ? "user" : "users"} ${users.slice(0, mostNamed).join(", ")}: what these made is root's`,
        ]),
  ].join("\n");
}

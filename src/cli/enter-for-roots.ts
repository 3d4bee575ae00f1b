import type { CacheEntry } from "../cache/list-cache.ts";
import { HostError } from "../model/error.ts";
import { enterAgain } from "./enter-again.ts";
import type { CommandTerminal } from "./terminal.ts";

/**
 * Unpacked bases of a plain user hold files of the user's subordinate ids, which can be looked at and removed only in
 * the user namespace that builds enter. Where there are such, the command is run again in there.
 * @returns its exit code, or nothing where this process can do what can be done
 */
export async function enterForRoots(
  entries: readonly CacheEntry[],
  cacheFolder: string,
  terminal: CommandTerminal,
): Promise<number | undefined> {
  if (!entries.some(({ isForeign }) => isForeign === true)) return undefined;
  const { chooseIsolation } = await import("../isolation/choose.ts");
  const environment = { ...terminal.environment };
  try {
    const { entry } = await chooseIsolation({ folder: cacheFolder, environment });
    return entry && (await enterAgain(entry, terminal));
  } catch (error) {
    // What else is in the cache can be looked after all the same.
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

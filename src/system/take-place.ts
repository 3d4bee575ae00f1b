import { randomBytes } from "node:crypto";
import { lstat, rename } from "node:fs/promises";
import { exchangePaths } from "./exchange-paths.ts";
import { SystemCallError } from "./syscalls.ts";

/**
 * Puts what was made at the path `made` in the place `target`, over whatever is there: a file over a folder too, which a
 * rename doesn't do. Both are on one file system. What stood there before exists until the new one is in its place,
 * however the process ends.
 *
 * @returns where the old one is now, for the caller to delete; undefined where nothing is left of it
 */
export async function takePlace(
  made: string,
  target: string,
  exchange: (a: string, b: string) => void = exchangePaths,
): Promise<string | undefined> {
  const [before, after] = await Promise.all([kindOf(target), kindOf(made)]);
  if (before === undefined || (before !== "folder" && after !== "folder")) {
    await rename(made, target);
    return undefined;
  }
  try {
    exchange(made, target);
    return made;
  } catch (error) {
    if (!(error instanceof SystemCallError) || !["EINVAL", "ENOSYS"].includes(error.code)) {
      throw error;
    }
  }
  // In between, the name is free. Who is killed then finds the old one beside it, under a name that nobody cleans up.
  const aside = `${target}.old-${randomBytes(4).toString("hex")}`;
  await rename(target, aside);
  try {
    await rename(made, target);
  } catch (error) {
    await rename(aside, target);
    throw error;
  }
  return aside;
}

async function kindOf(path: string): Promise<"folder" | "file" | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats === undefined ? undefined : stats.isDirectory() ? "folder" : "file";
}

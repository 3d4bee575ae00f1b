import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the packages of distributions that use rpm expect its database. */
const usualPlaces = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"];

/**
 * On Debian rpm keeps its database in the user's home, and would put that of an image there too. A home of its own, the
 * folder, tells it better.
 * @returns the variables that it is to be run with
 */
export async function rpmHome(
  folder: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  // What starts programs is slow to load, and commands that only read definitions know all agents.
  const { captureProgram } = await import("../system/run-program.ts");
  const { stdout } = await captureProgram(["rpm", "--eval", "%_dbpath"], { signal });
  if (usualPlaces.includes(stdout.trim())) return {};
  await writeFile(join(folder, ".rpmmacros"), "%_dbpath /var/lib/rpm\n");
  return { HOME: folder };
}

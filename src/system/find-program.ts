import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Where programs of the system are looked for: PATH, and the folders that plain users often lack in it. */
export function programPath(environment: Readonly<Record<string, string | undefined>>): string {
  return [environment["PATH"], "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"]
    .filter((part) => part !== undefined && part !== "")
    .join(":");
}

/** The first executable file of that name in a list of folders, absolute. Relative folders are left out. */
export function findProgram(name: string, path: string): string | undefined {
  for (const folder of path.split(":")) {
    if (!folder.startsWith("/")) continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // The next folder.
    }
  }
  return undefined;
}

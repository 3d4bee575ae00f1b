import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { unreadable } from "./read-spec.ts";

/** The texts of the files that `--build-arg-file` names. @throws {HostError} `host/not-readable` */
export function readArgumentFiles(
  names: readonly string[],
  folder: string,
): Promise<{ name: string; text: string }[]> {
  return Promise.all(
    names.map(async (name) => ({
      name,
      text: await readFile(resolve(folder, name), "utf8").catch(unreadable(name)),
    })),
  );
}

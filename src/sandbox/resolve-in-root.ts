import { lstatSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { ScriptError } from "../model/error.ts";

const mostLinks = 40;

export interface Resolved {
  /** Absolute inside the root, without symlinks in what exists of it. */
  readonly path: string;
  /** Whether there is something. */
  readonly exists: boolean;
}

/**
 * What a path means to a program inside the root: symlinks are followed as they lead there, however they are meant, and
 * none leads out. Nothing may run in the root meanwhile.
 * @throws {ScriptError} `script/mount-point` for links that lead in a circle, or a file where a folder has to be
 */
export function resolveInRoot(rootFolder: string, path: string): Resolved {
  let links = 0;
  let at = "/";
  let exists = true;
  const names = path.split("/").toReversed();
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = posix.dirname(at);
      continue;
    }
    const next = posix.join(at, name);
    const stats = exists ? lstatSync(rootFolder + next, { throwIfNoEntry: false }) : undefined;
    if (stats?.isSymbolicLink() === true) {
      if (++links > mostLinks) throw mountPointError(path, "its symbolic links lead in a circle");
      const target = readlinkSync(rootFolder + next);
      if (target.startsWith("/")) at = "/";
      names.push(...target.split("/").toReversed());
      continue;
    }
    if (stats === undefined) exists = false;
    else if (!stats.isDirectory() && names.some((rest) => rest !== "" && rest !== ".")) {
      throw mountPointError(path, `${next} is not a folder`);
    }
    at = next;
  }
  return { path: at, exists };
}

export function mountPointError(path: string, reason: string): ScriptError {
  return new ScriptError(
    "script/mount-point",
    `nothing can be mounted at ${path} in the image: ${reason}`,
    { hint: "name another place for the bind, or change the base image" },
  );
}

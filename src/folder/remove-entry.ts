import { fstatSync, lstatSync, readdirSync, rmdirSync, unlinkSync, type Stats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { displayName, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import type { DirectoryHandle } from "./directory-handle.ts";
import { errnoOf, folderError } from "./folder-error.ts";

interface Level {
  readonly handle: DirectoryHandle;
  readonly name: ByteString;
  /** For messages. */
  readonly path: ByteString;
  readonly names: Iterator<ByteString>;
}

/**
 * Removes what a name in an opened directory stands for, with all below it. Never follows a symlink, opens directories
 * whatever their mode if they are ours, and refuses to descend into another file system. A name that isn't there is fine.
 * @param path for messages
 * @throws {HostError} `folder/mounted` when something is mounted inside, `folder/remove`
 */
export async function removeEntry(
  parent: DirectoryHandle,
  name: ByteString,
  path: ByteString,
): Promise<void> {
  const levels: Level[] = [];
  let at = path;
  const device = fstatSync(parent.fd).dev;

  /** Removes a file, or opens a directory as the next level. */
  const visit = (above: DirectoryHandle, name: ByteString): void => {
    let entry: Stats;
    try {
      unlinkSync(above.at(name));
      return;
    } catch (error) {
      const errno = errnoOf(error) ?? "";
      if (errno === "ENOENT") return;
      // For a directory Linux says EISDIR, but some file systems have it otherwise.
      if (!["EISDIR", "EPERM"].includes(errno)) throw error;
      entry = lstatSync(above.at(name));
      if (!entry.isDirectory()) throw error;
    }
    if (entry.dev !== device) {
      throw new HostError(
        "folder/mounted",
        `${displayName(at)} is on another file system: something is mounted there`,
        { hint: "unmount it, then remove the folder; what is mounted was not touched" },
      );
    }
    const handle = above.open(name);
    levels.push({ handle, name, path: at, names: readNames(handle) });
  };

  try {
    visit(parent, name);
    let steps = 0;
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      if (++steps % 2000 === 0) await setImmediate();
      const next = level.names.next();
      if (next.done !== true) {
        at = `${level.path}/${next.value}`;
        visit(level.handle, next.value);
        continue;
      }
      levels.pop();
      level.handle.close();
      at = level.path;
      rmdirSync((levels.at(-1)?.handle ?? parent).at(level.name));
    }
  } catch (error) {
    throw folderError(error, "folder/remove", `can't remove ${displayName(at)}`);
  } finally {
    for (const level of levels) level.handle.close();
  }
}

function readNames(handle: DirectoryHandle): Iterator<ByteString> {
  return readdirSync(handle.path, { encoding: "latin1" }).values();
}

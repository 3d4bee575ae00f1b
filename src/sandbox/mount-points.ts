import {
  chmodSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { posix } from "node:path";
import { HostError } from "../model/error.ts";
import type { Mount } from "../isolation/isolation.ts";
import { mountPointError, resolveInRoot } from "./resolve-in-root.ts";

/** The places of mounts in a root file system: made where they are missing, and taken away after. */
export interface MountPoints extends Disposable {
  /** The mounts with targets as the root's symlinks resolve them. */
  readonly mounts: readonly Mount[];
}

const kernelTargets = { proc: "/proc", sys: "/sys", dev: "/dev" } as const;

/**
 * Makes the missing places for mounts. Disposing removes those that a script left empty.
 * @throws {ScriptError} `script/mount-point` where a file is in the place of a folder, or the other way round
 * @throws {HostError} `host/bind-source` for a source that is missing or closed
 */
export function makeMountPoints(rootFolder: string, wanted: readonly Mount[]): MountPoints {
  const made: string[] = [];
  const dispose = (): void => {
    for (const path of made.toReversed()) removeIfEmpty(rootFolder + path);
  };
  try {
    const mounts = wanted.map((mount) => {
      if (mount.kind !== "bind" && mount.kind !== "tmpfs") {
        const target = kernelTargets[mount.kind];
        // The kernel's file systems are mounted at these names themselves.
        if (lstatSync(rootFolder + target, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
          throw mountPointError(target, "it is a symbolic link");
        }
        makePlace(rootFolder, target, true, made);
        return mount;
      }
      const isFolder = mount.kind === "tmpfs" || isFolderSource(mount.source);
      // The folder /dev is mounted over: what is below it is made then.
      const target = isBelowDev(mount.target)
        ? posix.normalize(mount.target)
        : makePlace(rootFolder, mount.target, isFolder, made);
      return { ...mount, target };
    });
    return { mounts, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function isFolderSource(source: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (error) {
    throw new HostError("host/bind-source", `can't bind ${source}: ${reasonOf(error)}`, {
      hint: "name a file or folder that exists and that you may read",
      cause: error,
    });
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "there is no such file or folder";
  return code === "EACCES" ? "you may not read it" : String(error);
}

function isBelowDev(target: string): boolean {
  return posix.normalize(target).startsWith("/dev/");
}

function makePlace(root: string, target: string, isFolder: boolean, made: string[]): string {
  const { path, exists } = resolveInRoot(root, target);
  if (exists) {
    if (lstatSync(root + path).isDirectory() !== isFolder) {
      throw mountPointError(target, `it is ${isFolder ? "no" : "a"} folder there`);
    }
    return path;
  }
  const parents: string[] = [];
  for (let at = posix.dirname(path); !isThere(root + at); at = posix.dirname(at)) parents.push(at);
  for (const parent of parents.toReversed()) makeFolder(root, parent, made);
  if (isFolder) makeFolder(root, path, made);
  else {
    writeFileSync(root + path, "", { flag: "wx" });
    chmodSync(root + path, 0o644);
    made.push(path);
  }
  return path;
}

function makeFolder(root: string, path: string, made: string[]): void {
  mkdirSync(root + path);
  chmodSync(root + path, 0o755);
  made.push(path);
}

function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function removeIfEmpty(file: string): void {
  try {
    const stats = lstatSync(file);
    if (stats.isDirectory()) rmdirSync(file);
    else if (stats.isFile() && stats.size === 0) unlinkSync(file);
  } catch {
    // Not empty, or gone: the script's doing, and its right.
  }
}

import {
  chmodSync,
  chownSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  statSync,
  utimesSync,
  type BigIntStats,
} from "node:fs";
import { chmodNoFollow, type DirectoryHandle } from "./directory-handle.ts";

/** Something on disk whose attributes can be set without any risk of hitting something else. */
export interface DiskEntry {
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
  setTimes(time: number | Date): void;
  stat(): BigIntStats;
  /** Where the calls find it that don't follow symlinks and know only paths: those for extended attributes. */
  readonly path: Buffer;
}

/** A file that was just made and is still open. */
export function openedFile(fd: number, path: Buffer): DiskEntry {
  return {
    path,
    chown: (uid, gid) => fchownSync(fd, uid, gid),
    chmod: (mode) => fchmodSync(fd, mode),
    setTimes: (time) => futimesSync(fd, time, time),
    stat: () => fstatSync(fd, { bigint: true }),
  };
}

/** Anything but a directory, by its name in an opened directory. */
export function namedEntry(path: Buffer): DiskEntry {
  return {
    path,
    chown: (uid, gid) => lchownSync(path, uid, gid),
    chmod: (mode) => chmodNoFollow(path, mode),
    setTimes: (time) => lutimesSync(path, time, time),
    stat: () => lstatSync(path, { bigint: true }),
  };
}

/** An opened directory. The handle stands for it even when its mode denies to look anything up in it. */
export function openedDirectory(handle: DirectoryHandle): DiskEntry {
  return {
    path: handle.at("."),
    chown: (uid, gid) => chownSync(handle.path, uid, gid),
    chmod: (mode) => chmodSync(handle.path, mode),
    setTimes: (time) => utimesSync(handle.path, time, time),
    stat: () => statSync(handle.path, { bigint: true }),
  };
}

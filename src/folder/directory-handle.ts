// Ways into the directories of a folder that nobody can bend. A script may have left a symlink where a directory was; a
// path that is written through it ends up on the host. So a directory is opened by name in its opened parent, refusing
// symlinks, and everything in it is reached through /proc/self/fd/N/name: whatever happens to the names above, the
// handle stays on the directory that was checked. It also reaches deeper than the 4096 bytes of a path.

import { chmodSync, closeSync, constants, fstatSync, openSync } from "node:fs";
import { bytesOf, type ByteString } from "../model/bytes-path.ts";

/** Opens a place without the right to read it; Node has no name for it. The same on all of Node's platforms. */
const O_PATH = 0o10_000_000;

/** A directory held open. */
export class DirectoryHandle {
  readonly fd: number;
  /** Whether its mode was widened so that its owner can work in it. */
  readonly widened: boolean;
  readonly #prefix: string;

  constructor(fd: number, widened: boolean) {
    this.fd = fd;
    this.widened = widened;
    this.#prefix = `/proc/self/fd/${fd}`;
  }

  /** The directory itself. */
  get path(): string {
    return this.#prefix;
  }

  /** Where a name in it can be reached while the handle is open. */
  at(name: ByteString): Buffer {
    return bytesOf(`${this.#prefix}/${name}`);
  }

  /** @throws for a symlink: `ENOTDIR` */
  open(name: ByteString): DirectoryHandle {
    return openDirectory(this.at(name));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * Opens a directory, which may not be a symlink. Its owner gets the rights to look up and to change names in it, if the
 * mode says otherwise: root doesn't need that, a plain user does.
 */
export function openDirectory(path: string | Buffer): DirectoryHandle {
  const fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let widened = false;
  try {
    const { mode, uid } = fstatSync(fd);
    if ((mode & 0o700) !== 0o700 && uid === process.geteuid?.()) {
      chmodSync(`/proc/self/fd/${fd}`, (mode & 0o7777) | 0o700);
      widened = true;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return new DirectoryHandle(fd, widened);
}

/** Changes the mode of what a name stands for, if that is not a symlink: fchmodat() has no safe form on older kernels. */
export function chmodNoFollow(path: Buffer, mode: number): void {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    if (!fstatSync(fd).isSymbolicLink()) chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    closeSync(fd);
  }
}

// A file of an overlay's lower layer has that layer's number for as long as the kernel remembers where it came from, even
// after it was copied up. When the kernel needs memory it forgets, and the file has its number in the upper layer from then
// on: in a user namespace the kernel may not look for where a file came from (Documentation/filesystems/overlayfs.rst).
// Directories keep their numbers.

import type { InodeStat } from "../folder/ledger.ts";
import { makeArea } from "./area.ts";
import type { Caller, Place } from "./caller.ts";
import { currentFolder, followingPath, longestText, noFollow, type Kernel } from "./kernel.ts";

/** Where a supervised script works on an overlay. */
export interface OverlayPlace {
  /** The upper layer, outside of the script's root folder. */
  readonly upperFolder: string;
  /** What the overlay's own paths start with where the script runs: nothing, if its root folder is the overlay. */
  readonly rootFolder: string;
}

const dot = 0x2e;
const slash = 0x2f;
const symlinkNotFollowed = 0o400_000; // O_NOFOLLOW
const directoryType = 0o040_000n;
const typeMask = 0o170_000n;

/** Tells what number a file will have when the kernel has forgotten where it came from. */
export class UpperLayer {
  readonly #kernel: Kernel;
  readonly #caller: Caller;
  readonly #folder: number;
  readonly #root: Buffer;
  /** `.`, and the path of a file in the overlay. */
  readonly #path = makeArea(longestText + 4);

  /** Has to be made before the thread's root folder changes. */
  constructor(kernel: Kernel, caller: Caller, { upperFolder, rootFolder }: OverlayPlace) {
    this.#kernel = kernel;
    this.#caller = caller;
    const { bytes, address } = this.#path;
    bytes[bytes.write(upperFolder)] = 0;
    const opened = kernel.open(currentFolder, address, followingPath);
    if (!("value" in opened)) throw new Error(`${upperFolder} can't be opened`);
    this.#folder = opened.value;
    this.#root = Buffer.from(rootFolder);
  }

  /**
   * The inode with its other number; undefined where it has none.
   * @param seen what is at the place, and has been copied up
   */
  otherName(seen: InodeStat, { folder, path }: Place, flags: number): InodeStat | undefined {
    if ((seen.mode & typeMask) === directoryType) return undefined;
    const follow = flags === noFollow ? symlinkNotFollowed : 0;
    const opened = this.#kernel.open(folder, path, followingPath | follow);
    if (!("value" in opened)) return undefined;
    const length = this.#kernel.pathOf(opened.value, this.#path, 1);
    this.#kernel.close(opened.value);
    const { bytes, address } = this.#path;
    // The path is below the root: `.` takes the place of the root's last byte.
    const start = this.#root.length;
    if (length <= start || length > longestText || bytes[1 + start] !== slash) return undefined;
    if (!bytes.subarray(1, 1 + start).equals(this.#root)) return undefined;
    bytes[start] = dot;
    bytes[1 + length] = 0;
    const held = this.#caller.look({ folder: this.#folder, path: address + start }, noFollow);
    // Something else may be mounted there, or have come there since.
    const isSame =
      held?.birthtimeNs === seen.birthtimeNs &&
      held.mtimeNs === seen.mtimeNs &&
      held.size === seen.size &&
      held.mode === seen.mode;
    return isSame && held.ino !== seen.ino ? { ...seen, ino: held.ino } : undefined;
  }
}

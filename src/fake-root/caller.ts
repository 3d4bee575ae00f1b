// The process that waits for an answer: what its arguments point at, and what paths mean to it.
//
// What it says is put into memory that is used again for every call: a path is valid until the next one is read.
//
//   room for the name of a folder in /proc, which ends where the path starts | path | NUL

import type { InodeStat } from "../folder/ledger.ts";
import { makeArea, type Area } from "./area.ts";
import { currentFolder, emptyPath, longestText, type Kernel } from "./kernel.ts";
import type { Listener } from "./listener.ts";
import { inodeNumberOf, inodeOf, isRootsOf, modeOf, mountOf, statxBytes } from "./stat-layout.ts";

/** Where a call finds a file: for the calls of `Kernel`. */
export interface Place {
  readonly folder: number;
  /** The address of the text. */
  readonly path: number;
}

const slash = 0x2f;
const prefixRoom = 64;

/** Paths that mean something else to each process: nobody is "self" in a /proc that he is not in. */
const ownPaths: readonly (readonly [start: string, meant: string])[] = [
  ["/proc/self/", ""],
  ["/proc/thread-self/", ""],
  ["/dev/fd/", "fd/"],
  ["/dev/stdin", "fd/0"],
  ["/dev/stdout", "fd/1"],
  ["/dev/stderr", "fd/2"],
];
const ownPathStarts = new Set(ownPaths.map(([start]) => start.charCodeAt(1)));

export class Caller {
  readonly #kernel: Kernel;
  readonly #listener: Listener;
  readonly #path = makeArea(prefixRoom + longestText + 4);
  /** Where in it the last place starts and ends. */
  #start = 0;
  #end = 0;
  readonly #text = makeArea(longestText);
  readonly #statx = makeArea(statxBytes);
  readonly #other = makeArea(statxBytes);
  #given = makeArea(statxBytes);
  /** Whose root folder ours is: device, inode and mount. */
  #root = "";
  #rootIsKnown = false;
  #changesOfRoot: number;

  /** @param expectsChroot the first change of the root folder is our own, and all that follows is below it */
  constructor(kernel: Kernel, listener: Listener, expectsChroot: boolean) {
    this.#kernel = kernel;
    this.#listener = listener;
    this.#changesOfRoot = expectsChroot ? 0 : 1;
  }

  /** Told when a process is about to have another root folder, or mounts of its own. */
  rootChanges(): void {
    this.#changesOfRoot++;
    this.#rootIsKnown = false;
  }

  /** The address where a copy of a text of its is, beside the place; valid until the next. Undefined without one. */
  text(address: number): number | undefined {
    const length = this.#kernel.readText(this.#listener.pid, address, this.#text, 0);
    return length < 0 ? undefined : this.#text.address;
  }

  /** What an open file descriptor stands for. */
  opened(descriptor: number): Place {
    const { pid } = this.#listener;
    const { bytes } = this.#path;
    const name = descriptor === currentFolder ? "cwd" : `fd/${descriptor}`;
    const end = bytes.write(`${pid}/${name}`, "latin1");
    bytes[end] = 0;
    return this.#place(this.#kernel.processes, 0, end);
  }

  /**
   * What a path means, starting in the folder that a descriptor stands for. Undefined where it can't be read.
   * @param empty an empty path stands for the descriptor itself
   */
  place(descriptor: number, address: number, empty = false): Place | undefined {
    const { pid } = this.#listener;
    const length = this.#kernel.readText(pid, address, this.#path, prefixRoom);
    if (length < 0) return undefined;
    if (length === 0) return empty ? this.opened(descriptor) : undefined;
    this.#enterRoot();
    const { bytes } = this.#path;
    const end = prefixRoom + length;
    if (bytes[prefixRoom] === slash) {
      const own = this.#ownPath(end);
      if (own === undefined) return this.#place(currentFolder, prefixRoom, end);
      const [start, meant] = own;
      return this.#below(`${pid}/${meant}`, prefixRoom + start.length, end);
    }
    const folder = descriptor === currentFolder ? "cwd" : `fd/${descriptor}`;
    return this.#below(`${pid}/${folder}/`, prefixRoom, end);
  }

  #ownPath(end: number): (typeof ownPaths)[number] | undefined {
    const { bytes } = this.#path;
    if (!ownPathStarts.has(bytes[prefixRoom + 1] ?? 0)) return undefined;
    return ownPaths.find(
      ([start]) =>
        bytes.toString("latin1", prefixRoom, Math.min(end, prefixRoom + start.length)) === start,
    );
  }

  /** What starts in a folder of /proc. Its name is put in front of the path. */
  #below(folder: string, start: number, end: number): Place {
    const at = start - folder.length;
    this.#path.bytes.write(folder, at, "latin1");
    return this.#place(this.#kernel.processes, at, end);
  }

  #place(folder: number, start: number, end: number): Place {
    this.#start = start;
    this.#end = end;
    return { folder, path: this.#path.address + start };
  }

  /** Looks at a place; `mode`, `inodeNumber`, `inode` and `statx` have what was seen. */
  sees({ folder, path }: Place, flags: number): boolean {
    return this.#kernel.statx(folder, path, flags, this.#statx);
  }

  /** The same for the folder that the last place is in. */
  seesParent(place: Place): boolean {
    const { bytes } = this.#path;
    let end = this.#end;
    while (end > this.#start + 1 && bytes[end - 1] === slash) end--;
    // Each has a slash, for all are absolute or below a folder in /proc.
    const at = bytes.lastIndexOf(slash, end - 1) + 1;
    const [first, second] = [bytes[at], bytes[at + 1]] as [number, number];
    bytes[at] = 0x2e;
    bytes[at + 1] = 0;
    const isSeen = this.sees(place, 0);
    bytes[at] = first;
    bytes[at + 1] = second;
    return isSeen;
  }

  /** Looks at a place. */
  look(place: Place, flags: number): InodeStat | undefined {
    return this.sees(place, flags) ? this.inode : undefined;
  }

  /** Looks at an open file of ours. */
  lookAt(descriptor: number): InodeStat | undefined {
    return this.look({ folder: descriptor, path: this.#kernel.name("") }, emptyPath);
  }

  get inode(): InodeStat {
    return inodeOf(this.#statx.bytes);
  }

  get inodeNumber(): number {
    return inodeNumberOf(this.#statx.bytes);
  }

  /** Whether owner and group are root on its disk. */
  get isRoots(): boolean {
    return isRootsOf(this.#statx.bytes);
  }

  get mode(): number {
    return modeOf(this.#statx.bytes);
  }

  get statx(): Buffer {
    return this.#statx.bytes;
  }

  /** Its umask (proc_pid_status(5)). */
  umask(): number {
    const opened = this.#kernel.openOfProcess(this.#listener.pid, "status", "read");
    const status = opened === undefined ? undefined : this.#kernel.read(opened);
    if (opened !== undefined) this.#kernel.close(opened);
    return Number.parseInt(/^Umask:\s*(\d+)$/m.exec(status ?? "")?.[1] ?? "022", 8);
  }

  /** Copies bytes to an address of its. */
  write(address: number, bytes: Uint8Array): boolean {
    const area = this.#room(bytes.length);
    area.bytes.set(bytes);
    return (
      this.#listener.isWaiting() &&
      this.#kernel.writeMemory(this.#listener.pid, address, area.address, bytes.length)
    );
  }

  /** Copies bytes from an address of its; they are valid until the next. */
  read(address: number, length: number): Buffer | undefined {
    const area = this.#room(length);
    return this.#kernel.readMemory(this.#listener.pid, address, area.address, length)
      ? area.bytes.subarray(0, length)
      : undefined;
  }

  #room(length: number): Area {
    // In a member, for nothing else keeps memory alive that a call has only the address of.
    if (length > this.#given.bytes.length) this.#given = makeArea((length + 3) & ~3);
    return this.#given;
  }

  /** Makes the caller's root folder ours, so that absolute paths and links lead where they lead for it. */
  #enterRoot(): void {
    if (this.#rootIsKnown && this.#changesOfRoot <= 1) return;
    const { processes } = this.#kernel;
    const path = this.#kernel.name(`${this.#listener.pid}/root`);
    if (!this.#kernel.statx(processes, path, 0, this.#other)) return;
    const { dev, ino } = inodeOf(this.#other.bytes);
    const root = `${dev}:${ino}:${mountOf(this.#other.bytes)}`;
    if (root !== this.#root && this.#kernel.enterRoot(processes, path)) {
      this.#root = root;
    }
    this.#rootIsKnown = true;
  }
}

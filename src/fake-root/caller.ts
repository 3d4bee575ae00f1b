// The process that waits for an answer: what its arguments point at, and what paths mean to it.

import type { InodeStat } from "../folder/ledger.ts";
import { currentFolder, emptyPath, path0, type Kernel } from "./kernel.ts";
import type { Listener } from "./listener.ts";
import { inodeOf, modeOf, statxBytes } from "./stat-layout.ts";

/** Where a call finds a file: for the calls of `Kernel`. */
export interface Place {
  readonly folder: number;
  /** With its NUL. */
  readonly path: Buffer;
}

const longestPath = 4096;

/** Paths that mean something else to each process: nobody is "self" in a /proc that he is not in. */
const ownPaths: readonly (readonly [start: string, meant: string])[] = [
  ["/proc/self/", ""],
  ["/proc/thread-self/", ""],
  ["/dev/fd/", "fd/"],
  ["/dev/stdin", "fd/0"],
  ["/dev/stdout", "fd/1"],
  ["/dev/stderr", "fd/2"],
];

export class Caller {
  readonly #kernel: Kernel;
  readonly #listener: Listener;
  /** How `Place.path` and the last `look` are kept, without new memory for each call. */
  readonly #path = Buffer.alloc(2 * longestPath);
  readonly #statx = Buffer.alloc(statxBytes);
  readonly #other = Buffer.alloc(statxBytes);
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

  /** The text at an address, without its NUL; it is valid until the next is read. */
  text(address: bigint): Buffer | undefined {
    return this.#kernel.readText(this.#listener.pid, address);
  }

  /** What an open file descriptor stands for. */
  opened(descriptor: number): Place {
    const { pid } = this.#listener;
    const name = descriptor === currentFolder ? "cwd" : `fd/${descriptor}`;
    return this.#place(this.#kernel.processes, `${pid}/${name}`, undefined);
  }

  /**
   * What a path means, starting in the folder that a descriptor stands for. Undefined where it can't be read.
   * @param empty an empty path stands for the descriptor itself
   */
  place(descriptor: number, address: bigint, empty = false): Place | undefined {
    const text = this.text(address);
    if (text === undefined) return undefined;
    if (text.length === 0) return empty ? this.opened(descriptor) : undefined;
    this.#enterRoot();
    const { pid } = this.#listener;
    if (text[0] === 0x2f) {
      const own = ownPaths.find(([start]) => text.indexOf(start, 0, "latin1") === 0);
      if (own === undefined) return this.#place(currentFolder, "", text);
      const [start, meant] = own;
      return this.#place(this.#kernel.processes, `${pid}/${meant}`, text.subarray(start.length));
    }
    const start = descriptor === currentFolder ? "cwd/" : `fd/${descriptor}/`;
    return this.#place(this.#kernel.processes, `${pid}/${start}`, text);
  }

  #place(folder: number, start: string, text: Buffer | undefined): Place {
    const at = this.#path.write(start, "latin1");
    text?.copy(this.#path, at);
    const end = at + (text?.length ?? 0);
    this.#path[end] = 0;
    return { folder, path: this.#path.subarray(0, end + 1) };
  }

  /** The folder that something at a place is in. */
  parentOf({ folder, path }: Place): Place {
    let end = path.length - 1;
    while (end > 1 && path[end - 1] === 0x2f) end--;
    const slash = path.subarray(0, end).lastIndexOf(0x2f);
    if (slash < 0) return { folder: currentFolder, path: path0(".") };
    return { folder, path: Buffer.concat([path.subarray(0, slash + 1), Buffer.from(".\0")]) };
  }

  /** Looks at a place; `statx` has what was seen. */
  sees({ folder, path }: Place, flags: number): boolean {
    return "value" in this.#kernel.statx(folder, path, flags, this.#statx);
  }

  /** Looks at a place; `statx` has the rest of what was seen. */
  look(place: Place, flags: number): InodeStat | undefined {
    return this.sees(place, flags) ? inodeOf(this.#statx) : undefined;
  }

  /** What the last `look` saw. */
  get statx(): Buffer {
    return this.#statx;
  }

  get mode(): number {
    return modeOf(this.#statx);
  }

  /** Looks at an open file of ours. */
  lookAt(descriptor: number): InodeStat | undefined {
    return this.look({ folder: descriptor, path: path0("") }, emptyPath);
  }

  /** Its umask (proc_pid_status(5)). */
  umask(): number {
    const status = this.#kernel.read(this.#kernel.processes, path0(`${this.#listener.pid}/status`));
    return Number.parseInt(
      /^Umask:\s*(\d+)$/m.exec(status?.toString("latin1") ?? "")?.[1] ?? "022",
      8,
    );
  }

  write(address: bigint, bytes: Buffer): boolean {
    return (
      this.#listener.isWaiting() && this.#kernel.writeMemory(this.#listener.pid, address, bytes)
    );
  }

  /** Makes the caller's root folder ours, so that absolute paths and links lead where they lead for it. */
  #enterRoot(): void {
    if (this.#rootIsKnown && this.#changesOfRoot <= 1) return;
    const place = path0(`${this.#listener.pid}/root`);
    const seen = this.#kernel.statx(this.#kernel.processes, place, 0, this.#other);
    if (!("value" in seen)) return;
    const { dev, ino } = inodeOf(this.#other);
    const root = `${dev}:${ino}`;
    if (root !== this.#root && this.#kernel.enterRoot(this.#kernel.processes, place)) {
      this.#root = root;
    }
    this.#rootIsKnown = true;
  }
}

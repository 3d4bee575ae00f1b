// The system calls of the thread that stands for the kernel. Node has none of them, or has them for the whole process
// only: this thread has a root folder, a working folder and a umask of its own.

import { getSystemErrorMap } from "node:util";
import { cLibrary } from "../system/c-library.ts";
import { makeArea, type Area } from "./area.ts";
import { statxBytes, statxMask } from "./stat-layout.ts";

type Call = (...args: number[]) => number;

const cloneFs = 0x200; // CLONE_FS
export const followingPath = 0o10_000_000; // O_PATH
const closeOnExec = 0o2_000_000; // O_CLOEXEC
const readAndWrite = 2; // O_RDWR
export const currentFolder = -100; // AT_FDCWD
export const noFollow = 0x100; // AT_SYMLINK_NOFOLLOW
export const emptyPath = 0x1000; // AT_EMPTY_PATH

/** PATH_MAX, the NUL included. */
export const longestText = 4096;
/** No page is smaller. */
const pageBytes = 4096;

/** What a system call gave: a result, or an errno. */
export type Outcome = { readonly value: number } | { readonly errno: number };

/** The number of an errno's name. */
export function errnoNumber(name: string): number {
  const found = [...getSystemErrorMap()].find(([, [known]]) => known === name);
  if (found === undefined) throw new Error(`no errno is called ${name}`);
  return -found[0];
}

/** The types of the arguments: addresses are numbers, which costs least. */
const signatures = {
  chroot: ["uint64_t"],
  close: ["int"],
  fchdir: ["int"],
  fchownat: ["int", "uint64_t", "uint32_t", "uint32_t", "int"],
  mkdirat: ["int", "uint64_t", "uint32_t"],
  mknodat: ["int", "uint64_t", "uint32_t", "uint64_t"],
  openat: ["int", "uint64_t", "int", "uint32_t"],
  pread: ["int", "uint64_t", "uint64_t", "int64_t"],
  process_vm_readv: ["int", "uint64_t", "uint64_t", "uint64_t", "uint64_t", "uint64_t"],
  readlinkat: ["int", "uint64_t", "uint64_t", "uint64_t"],
  process_vm_writev: ["int", "uint64_t", "uint64_t", "uint64_t", "uint64_t", "uint64_t"],
  statx: ["int", "uint64_t", "int", "uint32_t", "uint64_t"],
  symlinkat: ["uint64_t", "int", "uint64_t"],
  umask: ["uint32_t"],
  unshare: ["int"],
  write: ["int", "uint64_t", "uint64_t"],
} as const satisfies Record<string, readonly string[]>;

/** What was opened before this thread's root folder changed, and the calls. A path is the address of its text. */
export class Kernel {
  /** The host's /proc, with our numbers of processes: the one inside has others. */
  readonly processes: number;
  readonly #errno: () => number;
  readonly #calls: Record<keyof typeof signatures, Call>;
  /** struct iovec, twice: ours and theirs. */
  readonly #vectors = makeArea(32);
  readonly #name = makeArea(256);
  readonly #contents = makeArea(4096);

  /** Parts this thread from the others: from here on it may change its root folder. */
  constructor() {
    const { koffi, libc } = cLibrary();
    this.#errno = () => koffi.errno();
    const calls = Object.entries(signatures).map(([name, types]) => [
      name,
      libc.func(name, "int", [...types]) as Call,
    ]);
    this.#calls = Object.fromEntries(calls) as Record<keyof typeof signatures, Call>;
    const own = this.open(currentFolder, this.name("/proc"), followingPath);
    if (!("value" in own)) throw new Error("/proc can't be opened");
    this.processes = own.value;
    if (this.#calls.unshare(cloneFs) !== 0) {
      throw new Error("the thread can't have a root folder of its own");
    }
    this.#calls.umask(0);
  }

  #outcome(value: number): Outcome {
    return value < 0 ? { errno: this.#errno() } : { value };
  }

  /** The address of a short name of our own; it is valid until the next one. */
  name(text: string): number {
    const { address, bytes } = this.#name;
    bytes[bytes.write(text, 0, bytes.length - 1, "latin1")] = 0;
    return address;
  }

  open(folder: number, path: number, flags: number, mode = 0): Outcome {
    return this.#outcome(this.#calls.openat(folder, path, flags | closeOnExec, mode));
  }

  close(descriptor: number): void {
    this.#calls.close(descriptor);
  }

  /** Fills `into`, of `statxBytes`; false where there is nothing to be seen. */
  statx(folder: number, path: number, flags: number, into: Area): boolean {
    if (into.bytes.length < statxBytes) throw new RangeError("too little room for statx");
    return this.#calls.statx(folder, path, flags, statxMask, into.address) === 0;
  }

  /**
   * Where an open file of ours is, as seen from this thread's root folder; without a NUL.
   * @param at where in the area it is to start
   * @returns its length, or -1 where it can't be known
   */
  pathOf(descriptor: number, into: Area, at: number): number {
    const name = this.name(`self/fd/${descriptor}`);
    return this.#calls.readlinkat(this.processes, name, into.address + at, into.bytes.length - at);
  }

  chown(folder: number, path: number, uid: number, gid: number, flags: number): Outcome {
    return this.#outcome(this.#calls.fchownat(folder, path, uid, gid, flags));
  }

  makeFolder(folder: number, path: number, mode: number): Outcome {
    return this.#outcome(this.#calls.mkdirat(folder, path, mode));
  }

  makeSymlink(target: number, folder: number, path: number): Outcome {
    return this.#outcome(this.#calls.symlinkat(target, folder, path));
  }

  makeNode(folder: number, path: number, mode: number): Outcome {
    return this.#outcome(this.#calls.mknodat(folder, path, mode, 0));
  }

  /** Makes a folder this thread's root folder, where absolute paths and links start. */
  enterRoot(folder: number, path: number): boolean {
    const opened = this.open(folder, path, followingPath);
    if (!("value" in opened)) return false;
    const done = this.#calls.fchdir(opened.value) === 0 && this.#calls.chroot(this.name(".")) === 0;
    this.close(opened.value);
    return done;
  }

  /** Opens a file in the folder of a process in /proc. */
  openOfProcess(pid: number, name: string, access: "read" | "read and write"): number | undefined {
    const flags = access === "read" ? 0 : readAndWrite;
    const opened = this.open(this.processes, this.name(`${pid}/${name}`), flags);
    return "value" in opened ? opened.value : undefined;
  }

  /** The start of an open file, undefined where it can't be read. */
  read(descriptor: number): string | undefined {
    const { address, bytes } = this.#contents;
    const length = this.#calls.pread(descriptor, address, bytes.length, 0);
    return length < 0 ? undefined : bytes.toString("latin1", 0, length);
  }

  /** Writes what is taken at once: a number, to a file of /proc. */
  write(descriptor: number, text: string): boolean {
    const { address, bytes } = this.#contents;
    const length = bytes.write(text, "latin1");
    return this.#calls.write(descriptor, address, length) === length;
  }

  /**
   * Reads the text at an address of a process into an area, with its NUL.
   * @param at where in the area it is to start; from there on it has room for `longestText`
   * @returns its length without the NUL, or -1 where there is none, or a longer one than any path
   */
  readText(pid: number, address: number, into: Area, at: number): number {
    // What is asked for is read whole or not at all, and the page behind a text need not be there.
    let wanted = pageBytes - (address % pageBytes);
    for (let length = 0; length < longestText; wanted = pageBytes) {
      wanted = Math.min(wanted, longestText - length);
      const from = at + length;
      if (!this.readMemory(pid, address + length, into.address + from, wanted)) return -1;
      const end = into.bytes.indexOf(0, from);
      if (end >= 0 && end < from + wanted) return end - at;
      length += wanted;
    }
    return -1;
  }

  /** Reads from a process's memory, all or nothing. */
  readMemory(pid: number, theirs: number, ours: number, length: number): boolean {
    const vectors = this.#fillVectors(theirs, ours, length);
    return this.#calls.process_vm_readv(pid, vectors, 1, vectors + 16, 1, 0) === length;
  }

  writeMemory(pid: number, theirs: number, ours: number, length: number): boolean {
    const vectors = this.#fillVectors(theirs, ours, length);
    return this.#calls.process_vm_writev(pid, vectors, 1, vectors + 16, 1, 0) === length;
  }

  #fillVectors(theirs: number, ours: number, length: number): number {
    const { words, address } = this.#vectors;
    words[0] = ours; // the lower half: what is above is cut off
    words[1] = ours / 2 ** 32;
    words[2] = length;
    words[4] = theirs;
    words[5] = theirs / 2 ** 32;
    words[6] = length;
    return address;
  }
}

// The system calls of the thread that stands for the kernel. Node has none of them, or has them for the whole process
// only: this thread has a root folder, a working folder and a umask of its own.

import { getSystemErrorMap } from "node:util";
import { cLibrary } from "../system/c-library.ts";
import { statxBytes, statxMask } from "./stat-layout.ts";

type Call = (...args: (Buffer | number | bigint)[]) => number;

const cloneFs = 0x200; // CLONE_FS
const followingPath = 0o10_000_000; // O_PATH
const closeOnExec = 0o2_000_000; // O_CLOEXEC
export const currentFolder = -100; // AT_FDCWD
export const noFollow = 0x100; // AT_SYMLINK_NOFOLLOW
export const emptyPath = 0x1000; // AT_EMPTY_PATH

/** PATH_MAX, the NUL included. */
const longestText = 4096;
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

/** What was opened before this thread's root folder changed, and the calls. */
export class Kernel {
  /** The host's /proc, with our numbers of processes: the one inside has others. */
  readonly processes: number;
  readonly #koffi;
  readonly #calls: Record<
    | "chroot"
    | "close"
    | "fchdir"
    | "fchownat"
    | "mkdirat"
    | "mknodat"
    | "openat"
    | "process_vm_readv"
    | "process_vm_writev"
    | "read"
    | "statx"
    | "symlinkat"
    | "write",
    Call
  >;
  readonly #local = Buffer.alloc(16);
  readonly #remote = Buffer.alloc(16);
  readonly #text = Buffer.alloc(longestText);
  readonly #textAddress: bigint;

  /** Parts this thread from the others: from here on it may change its root folder. */
  constructor() {
    const { koffi, libc } = cLibrary();
    this.#koffi = koffi;
    this.#textAddress = koffi.address(this.#text);
    const call = (name: string, types: readonly string[]) =>
      libc.func(name, "int64_t", [...types]) as Call;
    const int = (name: string, types: readonly string[]) =>
      libc.func(name, "int", [...types]) as Call;
    const path = "const void *";
    this.#calls = {
      chroot: int("chroot", [path]),
      close: int("close", ["int"]),
      fchdir: int("fchdir", ["int"]),
      fchownat: int("fchownat", ["int", path, "uint32_t", "uint32_t", "int"]),
      mkdirat: int("mkdirat", ["int", path, "uint32_t"]),
      mknodat: int("mknodat", ["int", path, "uint32_t", "uint64_t"]),
      openat: int("openat", ["int", path, "int", "uint32_t"]),
      process_vm_readv: call("process_vm_readv", [
        "int",
        path,
        "uint64_t",
        path,
        "uint64_t",
        "uint64_t",
      ]),
      process_vm_writev: call("process_vm_writev", [
        "int",
        path,
        "uint64_t",
        path,
        "uint64_t",
        "uint64_t",
      ]),
      read: call("read", ["int", "void *", "uint64_t"]),
      statx: int("statx", ["int", path, "int", "uint32_t", "void *"]),
      symlinkat: int("symlinkat", [path, "int", path]),
      write: call("write", ["int", path, "uint64_t"]),
    };
    const own = this.open(currentFolder, path0("/proc"), followingPath);
    if (!("value" in own)) throw new Error("/proc can't be opened");
    this.processes = own.value;
    if ((libc.func("unshare", "int", ["int"]) as Call)(cloneFs) !== 0) {
      throw new Error("the thread can't have a root folder of its own");
    }
    (libc.func("umask", "int", ["uint32_t"]) as Call)(0);
  }

  #outcome(value: number): Outcome {
    return value < 0 ? { errno: this.#koffi.errno() } : { value };
  }

  open(folder: number, path: Buffer, flags: number, mode = 0): Outcome {
    return this.#outcome(this.#calls.openat(folder, path, flags | closeOnExec, mode));
  }

  close(descriptor: number): void {
    this.#calls.close(descriptor);
  }

  /** Fills `into`, which has room for `statxBytes`. */
  statx(folder: number, path: Buffer, flags: number, into: Buffer): Outcome {
    if (into.length < statxBytes) throw new RangeError("too little room for statx");
    return this.#outcome(this.#calls.statx(folder, path, flags, statxMask, into));
  }

  chown(folder: number, path: Buffer, uid: number, gid: number, flags: number): Outcome {
    return this.#outcome(this.#calls.fchownat(folder, path, uid, gid, flags));
  }

  makeFolder(folder: number, path: Buffer, mode: number): Outcome {
    return this.#outcome(this.#calls.mkdirat(folder, path, mode));
  }

  makeSymlink(target: Buffer, folder: number, path: Buffer): Outcome {
    return this.#outcome(this.#calls.symlinkat(target, folder, path));
  }

  makeNode(folder: number, path: Buffer, mode: number): Outcome {
    return this.#outcome(this.#calls.mknodat(folder, path, mode, 0n));
  }

  /** Makes a folder this thread's root folder, where absolute paths and links start. */
  enterRoot(folder: number, path: Buffer): boolean {
    const opened = this.open(folder, path, followingPath);
    if (!("value" in opened)) return false;
    const done = this.#calls.fchdir(opened.value) === 0 && this.#calls.chroot(path0(".")) === 0;
    this.close(opened.value);
    return done;
  }

  /** The first bytes of a small file. */
  read(folder: number, path: Buffer): Buffer | undefined {
    const opened = this.open(folder, path, 0);
    if (!("value" in opened)) return undefined;
    const bytes = Buffer.alloc(4096);
    const length = this.#calls.read(opened.value, bytes, bytes.length);
    this.close(opened.value);
    return length < 0 ? undefined : bytes.subarray(0, length);
  }

  write(folder: number, path: Buffer, text: string): boolean {
    const opened = this.open(folder, path, 1);
    if (!("value" in opened)) return false;
    const bytes = Buffer.from(text);
    const length = this.#calls.write(opened.value, bytes, bytes.length);
    this.close(opened.value);
    return length === bytes.length;
  }

  /**
   * The text at an address of a process, up to its NUL and without it. It lies in a buffer that the next one is read into.
   * Undefined where there is none, or a longer one than any path.
   */
  readText(pid: number, address: bigint): Buffer | undefined {
    // What is asked for is read whole or not at all, and the page behind a text need not be there.
    const inPage = pageBytes - Number(address & BigInt(pageBytes - 1));
    for (let at = 0; at < longestText;) {
      const wanted = Math.min(at === 0 ? inPage : pageBytes, longestText - at);
      const from = address + BigInt(at);
      if (!this.#transfer("process_vm_readv", pid, from, this.#textAddress + BigInt(at), wanted)) {
        return undefined;
      }
      const end = this.#text.indexOf(0, at);
      if (end >= 0 && end < at + wanted) return this.#text.subarray(0, end);
      at += wanted;
    }
    return undefined;
  }

  /** Fills the buffer from a process's memory. */
  readMemory(pid: number, address: bigint, into: Buffer): boolean {
    return this.#transfer("process_vm_readv", pid, address, this.#koffi.address(into), into.length);
  }

  writeMemory(pid: number, address: bigint, bytes: Buffer): boolean {
    return this.#transfer(
      "process_vm_writev",
      pid,
      address,
      this.#koffi.address(bytes),
      bytes.length,
    );
  }

  #transfer(
    call: "process_vm_readv" | "process_vm_writev",
    pid: number,
    theirs: bigint,
    ours: bigint,
    length: number,
  ): boolean {
    this.#remote.writeBigUInt64LE(theirs, 0);
    this.#remote.writeUInt32LE(length, 8);
    this.#local.writeBigUInt64LE(ours, 0);
    this.#local.writeUInt32LE(length, 8);
    return this.#calls[call](pid, this.#local, 1, this.#remote, 1, 0) === length;
  }
}

/** A path for these calls: with its NUL. */
export const path0 = (path: string): Buffer => Buffer.from(`${path}\0`, "latin1");

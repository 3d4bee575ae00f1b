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
  readonly #remote = Buffer.alloc(32);

  /** Parts this thread from the others: from here on it may change its root folder. */
  constructor() {
    const { koffi, libc } = cLibrary();
    this.#koffi = koffi;
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
   * Bytes of a process's memory from an address on, as many as there are up to the buffer's size.
   * @returns how many; 0 where nothing can be read
   */
  readMemory(pid: number, address: bigint, into: Buffer): number {
    // A part is read whole or not at all, and the page behind a string need not be there.
    const inPage = 4096n - (address & 4095n);
    const first = BigInt(into.length) < inPage ? BigInt(into.length) : inPage;
    this.#remote.writeBigUInt64LE(address, 0);
    this.#remote.writeBigUInt64LE(first, 8);
    this.#remote.writeBigUInt64LE(address + first, 16);
    this.#remote.writeBigUInt64LE(BigInt(into.length) - first, 24);
    this.#local.writeBigUInt64LE(this.#koffi.address(into), 0);
    this.#local.writeBigUInt64LE(BigInt(into.length), 8);
    const length = this.#calls.process_vm_readv(pid, this.#local, 1n, this.#remote, 2n, 0n);
    return Math.max(length, 0);
  }

  writeMemory(pid: number, address: bigint, bytes: Buffer): boolean {
    this.#remote.writeBigUInt64LE(address, 0);
    this.#remote.writeBigUInt64LE(BigInt(bytes.length), 8);
    this.#local.writeBigUInt64LE(this.#koffi.address(bytes), 0);
    this.#local.writeBigUInt64LE(BigInt(bytes.length), 8);
    const length = this.#calls.process_vm_writev(pid, this.#local, 1n, this.#remote, 1n, 0n);
    return length === bytes.length;
  }
}

/** A path for these calls: with its NUL. */
export const path0 = (path: string): Buffer => Buffer.from(`${path}\0`, "latin1");

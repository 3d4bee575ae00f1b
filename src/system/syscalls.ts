// What Linux can do to a file and Node can't: extended attributes, device nodes, holes, inode flags. Calls go straight
// to the C library and work on links themselves, never on what a link points at.

import { getSystemErrorMap } from "node:util";
import type { ByteString } from "../model/bytes-path.ts";
import { cLibrary } from "./c-library.ts";

/** A system call's failure, with the same members as those of `node:fs`. */
export class SystemCallError extends Error {
  /** The errno's name: `ENODATA`. */
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(errno: number, syscall: string, path?: Buffer) {
    const [name, meaning] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, "unknown error"];
    super(
      `${name}: ${meaning}, ${syscall}${path === undefined ? "" : ` '${path.toString("utf8")}'`}`,
    );
    this.name = "SystemCallError";
    this.code = name;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

type Call = (...args: (Buffer | number | bigint)[]) => number;

interface Library {
  readonly errno: () => number;
  readonly llistxattr: Call;
  readonly lgetxattr: Call;
  readonly lsetxattr: Call;
  readonly lremovexattr: Call;
  readonly mknod: (path: Buffer, mode: number, device: bigint) => number;
  readonly lseek: Call;
}

let loaded: Library | undefined;

function library(): Library {
  if (loaded !== undefined) return loaded;
  const { koffi, libc } = cLibrary();
  let mknod: Library["mknod"];
  try {
    const call = libc.func("mknod", "int", ["const void *", "uint32_t", "uint64_t"]);
    mknod = (path, mode, device) => call(path, mode, device) as number;
  } catch {
    // Up to glibc 2.32 mknod() is an inline function around this one; 0 is its version on 64-bit machines.
    const call = libc.func("__xmknod", "int", ["int", "const void *", "uint32_t", "const void *"]);
    mknod = (path, mode, device) => {
      const cell = Buffer.alloc(8);
      new BigUint64Array(cell.buffer, cell.byteOffset, 1)[0] = device;
      return call(0, path, mode, cell) as number;
    };
  }
  loaded = {
    errno: () => koffi.errno(),
    llistxattr: libc.func("llistxattr", "int64_t", ["const void *", "void *", "uint64_t"]),
    lgetxattr: libc.func("lgetxattr", "int64_t", [
      "const void *",
      "const void *",
      "void *",
      "uint64_t",
    ]),
    lsetxattr: libc.func("lsetxattr", "int", [
      "const void *",
      "const void *",
      "const void *",
      "uint64_t",
      "int",
    ]),
    lremovexattr: libc.func("lremovexattr", "int", ["const void *", "const void *"]),
    mknod,
    lseek: libc.func("lseek", "int64_t", ["int", "int64_t", "int"]),
  };
  return loaded;
}

function check(result: number, syscall: string, path?: Buffer): number {
  if (result < 0) throw new SystemCallError(library().errno(), syscall, path);
  return result;
}

/** Paths reach C as they are, so they need their final NUL. */
export function terminated(path: Buffer): Buffer {
  if (path.includes(0)) throw new SystemCallError(22, "path", path);
  return Buffer.concat([path, Buffer.alloc(1)]);
}

// The kernel's limits for both a list of names and one value (xattr(7)).
const xattrBuffer = Buffer.alloc(65_536);
const nameBuffer = Buffer.alloc(256);

/** The name with its NUL, in a buffer that is overwritten by the next call. */
function terminatedName(name: ByteString): Buffer {
  if (name.length > 255 || name.includes("\0")) throw new SystemCallError(34, "xattr name");
  nameBuffer[nameBuffer.write(name, "latin1")] = 0;
  return nameBuffer;
}

/**
 * The names of the extended attributes of what is at the path, a symlink itself included. Empty where the file system
 * has none.
 * @param path its bytes **with** a final NUL: this is called for every entry of a folder
 * @throws {SystemCallError}
 */
export function listXattrs(path: Buffer): ByteString[] {
  const { llistxattr, errno } = library();
  const length = llistxattr(path, xattrBuffer, xattrBuffer.length);
  if (length === 0) return [];
  if (length < 0) {
    const number = errno();
    if (number === 95) return []; // ENOTSUP
    throw new SystemCallError(number, "llistxattr", path.subarray(0, -1));
  }
  // Every name ends in a NUL.
  return xattrBuffer.toString("latin1", 0, length - 1).split("\0");
}

/** An attribute's value. @param path as for `listXattrs` @throws {SystemCallError} `ENODATA` where there is none */
export function getXattr(path: Buffer, name: ByteString): Buffer {
  const length = library().lgetxattr(path, terminatedName(name), xattrBuffer, xattrBuffer.length);
  check(length, "lgetxattr", path.subarray(0, -1));
  return Buffer.from(xattrBuffer.subarray(0, length));
}

/** Sets an attribute, of a symlink itself too. @throws {SystemCallError} */
export function setXattr(path: Buffer, name: ByteString, value: Uint8Array): void {
  const c = terminated(path);
  // An empty array may have no address, and the kernel doesn't read it anyway.
  const bytes = value.length === 0 ? Buffer.alloc(1) : Buffer.from(value);
  check(library().lsetxattr(c, terminatedName(name), bytes, value.length, 0), "lsetxattr", path);
}

/** Takes an attribute away. @throws {SystemCallError} `ENODATA` where there is none */
export function removeXattr(path: Buffer, name: ByteString): void {
  check(library().lremovexattr(terminated(path), terminatedName(name)), "lremovexattr", path);
}

const fileTypes = {
  fifo: 0o010_000,
  "character-device": 0o020_000,
  "block-device": 0o060_000,
  socket: 0o140_000,
} as const;

/**
 * Makes a device node, fifo or socket; the process's umask applies to the mode.
 * @throws {SystemCallError} `EPERM` for devices without the right to make them, in user namespaces above all
 */
export function makeNode(
  path: Buffer,
  type: keyof typeof fileTypes,
  mode: number,
  device: { readonly major: number; readonly minor: number } = { major: 0, minor: 0 },
): void {
  const result = library().mknod(
    terminated(path),
    fileTypes[type] | mode,
    makeDevice(device.major, device.minor),
  );
  check(result, "mknod", path);
}

/** Linux's 64-bit device number: MMMM Mmmm mmmM MMmm in hexadecimal digits of the major and minor number. */
export function makeDevice(major: number, minor: number): bigint {
  const M = BigInt(major >>> 0);
  const m = BigInt(minor >>> 0);
  return (
    ((M & 0xffff_f000n) << 32n) | ((M & 0xfffn) << 8n) | ((m & 0xffff_ff00n) << 12n) | (m & 0xffn)
  );
}

/** The two parts of a device number. */
export function splitDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 32n) & 0xffff_f000n) | ((device >> 8n) & 0xfffn)),
    minor: Number(((device >> 12n) & 0xffff_ff00n) | (device & 0xffn)),
  };
}

/**
 * The first stretch of data of an open file at or after an offset; undefined when only a hole follows. File systems
 * without holes answer with the whole file.
 * @throws {SystemCallError}
 */
export function nextData(
  fd: number,
  offset: number,
): { readonly offset: number; readonly end: number } | undefined {
  const { lseek, errno } = library();
  const start = lseek(fd, offset, 3); // SEEK_DATA
  if (start < 0) {
    const number = errno();
    if (number === 6) return undefined; // ENXIO: nothing but a hole, or past the end
    throw new SystemCallError(number, "lseek");
  }
  const end = check(lseek(fd, start, 4), "lseek"); // SEEK_HOLE
  return { offset: start, end };
}

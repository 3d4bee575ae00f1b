import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { displayName } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import { nextData } from "../system/syscalls.ts";
import type { SparsePiece } from "./sparse-cursor.ts";

/** How much is read at once: big enough to be cheap, small enough to count for nothing in memory. */
const chunkBytes = 512 * 1024;

// One buffer for each reader that is under way; an iteration gives it back when it ends.
const idle: Buffer[] = [];

/** What to tell of a file of the host that could not be read. */
export function unreadable(name: string, cause: unknown): HostError {
  return new HostError("host/file-unreadable", `can't read ${name}: ${reasonOf(cause)}`, {
    hint: "check that the file exists and that you may read it",
    cause,
  });
}

function changed(name: string, promised: number, found: string): HostError {
  return new HostError(
    "host/file-changed",
    `${name} changed while it was read: it had ${promised} bytes, now ${found}`,
    { hint: "run the build again when nothing writes to the file" },
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * The pieces of a regular file of the host, which must have exactly `sizeBytes` bytes. Bytes are valid until the next
 * step; holes of the file are told and not read, because some are very large (`/var/log/lastlog` with high user ids). A
 * symlink in the file's place is refused, and a device or pipe doesn't make the build hang.
 * @param mtimeNs when it was last written to, if that is to be checked
 * @throws {HostError} `host/file-unreadable`, `host/file-changed`
 */
export function* readHostFile(
  path: Buffer,
  sizeBytes: number,
  mtimeNs?: bigint,
): Generator<SparsePiece> {
  const name = displayName(path.toString("latin1"));
  let descriptor: number;
  try {
    descriptor = openSync(
      path,
      // oxlint-disable-next-line no-bitwise
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
  } catch (error) {
    throw unreadable(name, error);
  }
  // Reading synchronously: a small file costs 20 µs this way and ten times that through the thread pool, which has
  // other work. Blocks are compressed by other threads meanwhile.
  const buffer = idle.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw changed(name, sizeBytes, "it is not a regular file");
    if (stats.size !== sizeBytes) throw changed(name, sizeBytes, `${stats.size}`);
    if (mtimeNs !== undefined && fstatSync(descriptor, { bigint: true }).mtimeNs !== mtimeNs) {
      throw changed(name, sizeBytes, "others");
    }
    // A block of stat(2) has 512 bytes, whatever the file system's blocks are.
    if (stats.blocks * 512 < sizeBytes) {
      yield* readSparse(descriptor, buffer, sizeBytes, name);
      return;
    }
    let done = 0;
    for (;;) {
      // Asking for more than there should be tells in the same call whether there is more.
      const wanted = Math.min(buffer.length, sizeBytes - done + 1);
      const got = read(descriptor, buffer, wanted, null, name);
      done += got;
      if (done > sizeBytes) throw changed(name, sizeBytes, "more");
      if (got > 0) yield { bytes: buffer.subarray(0, got) };
      if (done === sizeBytes && got < wanted) break;
      if (got === 0) throw changed(name, sizeBytes, `${done}`);
    }
  } finally {
    closeSync(descriptor);
    idle.push(buffer);
  }
}

function* readSparse(
  descriptor: number,
  buffer: Buffer,
  sizeBytes: number,
  name: string,
): Generator<SparsePiece> {
  let done = 0;
  while (done < sizeBytes) {
    const data = stretchAfter(descriptor, done, name);
    // A file that grows meanwhile may have data beyond its end.
    const offset = Math.min(data?.offset ?? sizeBytes, sizeBytes);
    if (offset > done) yield { zeros: offset - done };
    done = offset;
    const end = Math.min(data?.end ?? sizeBytes, sizeBytes);
    while (done < end) {
      const got = read(descriptor, buffer, Math.min(buffer.length, end - done), done, name);
      if (got === 0) throw changed(name, sizeBytes, `${done}`);
      done += got;
      yield { bytes: buffer.subarray(0, got) };
    }
  }
  const { size } = fstatSync(descriptor);
  if (size !== sizeBytes) throw changed(name, sizeBytes, `${size}`);
}

function stretchAfter(descriptor: number, from: number, name: string): ReturnType<typeof nextData> {
  try {
    return nextData(descriptor, from);
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** @param position null for where the last reading ended */
function read(
  descriptor: number,
  into: Buffer,
  length: number,
  position: number | null,
  name: string,
): number {
  try {
    return readSync(descriptor, into, 0, length, position);
  } catch (error) {
    throw unreadable(name, error);
  }
}

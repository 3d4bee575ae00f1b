import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
} from "node:fs";
import type { LibraryHost } from "../elf/library-search.ts";
import { readElf, type ElfFile } from "../elf/elf-file.ts";
import { bytesOf, displayName, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";

/** For the loader, what is closed to it is as good as missing. */
const isMissing = (error: unknown) =>
  ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "");

/** This machine, as far as a search for libraries looks at it; it passes over what the user may not see. */
export class HostMachine implements LibraryHost {
  readonly #elves = new Map<ByteString, ElfFile | undefined>();
  /** Files that the search itself went by. */
  readonly consulted = new Set<ByteString>();

  /** @throws {HostError} `host/file-unreadable`, {FormatError} `elf/damaged` */
  elf(path: ByteString): ElfFile | undefined {
    if (!this.#elves.has(path)) {
      const elf = withFile(path, (read, isRegular) =>
        isRegular ? readElf(read, displayName(path)) : undefined,
      );
      this.#elves.set(path, elf);
    }
    return this.#elves.get(path);
  }

  /** The first bytes of a file; none where there is no file. */
  start(path: ByteString, lengthBytes: number): Uint8Array {
    return (
      withFile(path, (read, isRegular) => (isRegular ? read(0, lengthBytes) : undefined)) ??
      new Uint8Array()
    );
  }

  realPath(path: ByteString): ByteString {
    try {
      return realpathSync(bytesOf(path), "latin1");
    } catch (error) {
      if (isMissing(error)) return path;
      throw unreadable(path, error);
    }
  }

  read(path: ByteString): Uint8Array | undefined {
    try {
      const bytes = readFileSync(bytesOf(path));
      this.consulted.add(path);
      return bytes;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw unreadable(path, error);
    }
  }

  list(folder: ByteString): readonly ByteString[] {
    try {
      return readdirSync(bytesOf(folder), "latin1").toSorted((a, b) => (a < b ? -1 : 1));
    } catch (error) {
      if (isMissing(error)) return [];
      throw unreadable(folder, error);
    }
  }
}

/**
 * What is in a folder that was asked for, in the order of the names' bytes.
 * @throws {HostError} `host/file-unreadable`
 */
export function namesIn(folder: ByteString): readonly ByteString[] {
  try {
    return readdirSync(bytesOf(folder), "latin1").toSorted((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    throw unreadable(folder, error);
  }
}

function withFile<Result>(
  path: ByteString,
  act: (read: (offset: number, lengthBytes: number) => Uint8Array, isRegular: boolean) => Result,
): Result | undefined {
  let handle: number;
  try {
    // A FIFO would wait for its writer.
    handle = openSync(bytesOf(path), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
  try {
    const { size } = fstatSync(handle);
    const read = (offset: number, lengthBytes: number): Uint8Array => {
      // A length from inside the file takes no more memory than the file has bytes.
      const bytes = Buffer.alloc(Math.max(0, Math.min(lengthBytes, size - offset)));
      let got = 0;
      while (got < bytes.length) {
        const part = readSync(handle, bytes, got, bytes.length - got, offset + got);
        if (part === 0) break;
        got += part;
      }
      return bytes.subarray(0, got);
    };
    return act(read, fstatSync(handle).isFile());
  } finally {
    closeSync(handle);
  }
}

/** What to throw for a path of this machine that can't be looked at. */
export function unreadable(path: ByteString, cause: unknown): HostError {
  return new HostError(
    "host/file-unreadable",
    `can't read ${displayName(path)}: ${(cause as Error).message}`,
    { hint: "make it readable for the user who runs the build", cause },
  );
}

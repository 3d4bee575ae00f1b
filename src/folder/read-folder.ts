import { lstatSync, readdirSync, realpathSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { displayName, toByteString, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import type { LeafNode } from "../model/node.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import { EntryReader, pathBuffer, type EntryReaderOptions } from "./entry-reader.ts";
import { folderError } from "./folder-error.ts";

export interface ReadFolderOptions extends EntryReaderOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A folder on disk as a tree. Contents stay where they are and are read later (`host-file`): the folder must not change
 * until then. Symlinks are never followed (but `folder` itself may be one), names with one inode become one node, and
 * what is mounted inside is left out: a mount point is an empty directory. Sockets are kept, as `mksquashfs` keeps them.
 *
 * Extended attributes: `user.*`, `trusted.*` (only root sees those) and `security.*` without `security.selinux`, which
 * belongs to the machine. POSIX ACLs (`system.*`) are left out: SquashFS can't hold them.
 *
 * About 10 µs an entry.
 * @throws {HostError} `folder/unreadable` for anything that can't be read; it names the path
 */
export async function readFolder(
  folder: string,
  options: ReadFolderOptions = {},
): Promise<FileTree> {
  let root: ByteString;
  let rootStat: BigIntStats;
  try {
    root = toByteString(realpathSync(folder));
    rootStat = lstatSync(pathBuffer(root), { bigint: true });
    if (!rootStat.isDirectory()) throw notDirectory(folder);
  } catch (error) {
    throw folderError(error, "folder/unreadable", `can't read the folder ${folder}`);
  }
  const reader = new FolderReader(new EntryReader(rootStat, options), options.signal);
  return reader.read(root === "/" ? "" : root, rootStat);
}

function notDirectory(folder: string): HostError {
  return new HostError("folder/unreadable", `${folder} is not a folder`, {
    hint: "name the folder that holds the root file system",
  });
}

class FolderReader {
  readonly #reader: EntryReader;
  readonly #signal: AbortSignal | undefined;

  constructor(reader: EntryReader, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#signal = signal;
  }

  async read(root: ByteString, rootStat: BigIntStats): Promise<FileTree> {
    const tree = new FileTree(
      this.#reader.directory(pathBuffer(root === "" ? "/" : root), rootStat),
    );
    const pending: [Directory, ByteString][] = [[tree.root, root]];
    let entries = 0;
    let pauseAt = 2000;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, path] = next;
      for (const name of namesIn(path)) {
        entries++;
        const child = this.#entry(`${path}/${name}`);
        directory.children.set(name, child.made);
        if (child.descend) pending.push([child.made as Directory, `${path}/${name}`]);
      }
      if (entries >= pauseAt) {
        // Lets a Ctrl-C through.
        pauseAt = entries + 2000;
        await setImmediate();
        this.#signal?.throwIfAborted();
      }
    }
    return tree;
  }

  #entry(path: ByteString): { made: Directory | LeafNode; descend: boolean } {
    const bytes = pathBuffer(path);
    try {
      const stat = lstatSync(bytes, { bigint: true });
      if (!stat.isDirectory()) return { made: this.#reader.leaf(bytes, stat), descend: false };
      const made = new Directory(this.#reader.directory(bytes, stat));
      return { made, descend: !this.#reader.isMounted(stat) };
    } catch (error) {
      throw unreadableEntry(error, path);
    }
  }
}

/** The names in a directory. @throws {HostError} `folder/unreadable` */
export function namesIn(path: ByteString): ByteString[] {
  try {
    return readdirSync(pathBuffer(path === "" ? "/" : path), { encoding: "latin1" });
  } catch (error) {
    throw folderError(error, "folder/unreadable", `can't read the folder ${displayName(path)}`);
  }
}

/** What to throw for an entry that could not be read. */
export function unreadableEntry(error: unknown, path: ByteString): unknown {
  return folderError(error, "folder/unreadable", `can't read ${displayName(path)}`);
}

import { accessSync, constants, lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { displayName, toByteString, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import type { Attributes, DirectoryNode, LeafNode, Node } from "../model/node.ts";
import { splitDevice } from "../system/syscalls.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import { chmodNoFollow } from "./directory-handle.ts";
import { folderError } from "./folder-error.ts";
import type { Ledger } from "./ledger.ts";
import { readXattrs } from "./read-xattrs.ts";

export interface ReadFolderOptions {
  /** What the disk could not hold when the folder was written. */
  readonly ledger?: Ledger | undefined;
  /**
   * Owner of everything that the ledger doesn't know, instead of the owner on disk: for a folder that a plain user
   * filled, whose own files all stand for root's.
   */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /**
   * Give the owner the right to read where a mode denies it, so that contents can be read as well. The nodes keep the
   * mode as it was; the ledger remembers that it was changed. Needs `ledger`.
   */
  readonly makeReadable?: boolean | undefined;
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
  const reader = new FolderReader(rootStat, options);
  return reader.read(root === "/" ? "" : root);
}

function notDirectory(folder: string): HostError {
  return new HostError("folder/unreadable", `${folder} is not a folder`, {
    hint: "name the folder that holds the root file system",
  });
}

/** The bytes of a path; the NUL behind them is for the C library and not part of the buffer. */
function pathBuffer(path: ByteString): Buffer {
  return Buffer.from(`${path}\0`, "latin1").subarray(0, -1);
}

/** The same bytes with the NUL. */
function withNul(path: Buffer): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.length + 1);
}

class FolderReader {
  readonly #options: ReadFolderOptions;
  readonly #rootStat: BigIntStats;
  /** Inode → node, for files with several names. */
  readonly #linked = new Map<string, LeafNode>();
  readonly #uid = BigInt(process.geteuid?.() ?? 0);

  constructor(rootStat: BigIntStats, options: ReadFolderOptions) {
    this.#rootStat = rootStat;
    this.#options = options;
  }

  async read(root: ByteString): Promise<FileTree> {
    const tree = new FileTree(
      this.#directory(pathBuffer(root === "" ? "/" : root), this.#rootStat),
    );
    const pending: [Directory, ByteString][] = [[tree.root, root]];
    let entries = 0;
    let pauseAt = 2000;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [directory, path] = next;
      for (const name of this.#names(path)) {
        entries++;
        const child = this.#entry(`${path}/${name}`);
        directory.children.set(name, child.made);
        if (child.descend) pending.push([child.made as Directory, `${path}/${name}`]);
      }
      if (entries >= pauseAt) {
        // Lets a Ctrl-C through.
        pauseAt = entries + 2000;
        await setImmediate();
        this.#options.signal?.throwIfAborted();
      }
    }
    return tree;
  }

  #names(path: ByteString): ByteString[] {
    try {
      return readdirSync(pathBuffer(path === "" ? "/" : path), { encoding: "latin1" });
    } catch (error) {
      throw folderError(error, "folder/unreadable", `can't read the folder ${displayName(path)}`);
    }
  }

  #entry(path: ByteString): { made: Directory | LeafNode; descend: boolean } {
    const bytes = pathBuffer(path);
    try {
      const stat = lstatSync(bytes, { bigint: true });
      if (stat.isDirectory()) {
        // Only directories are judged by their device: on an overlay, files may be of a device other than the folder's.
        const mounted = stat.dev !== this.#rootStat.dev;
        return { made: new Directory(this.#directory(bytes, stat)), descend: !mounted };
      }
      if (stat.nlink === 1n) return { made: this.#leaf(bytes, stat), descend: false };
      const inode = `${stat.dev}:${stat.ino}`;
      const made = this.#linked.get(inode) ?? this.#leaf(bytes, stat);
      this.#linked.set(inode, made);
      return { made, descend: false };
    } catch (error) {
      throw folderError(error, "folder/unreadable", `can't read ${displayName(path)}`);
    }
  }

  #directory(path: Buffer, stat: BigIntStats): DirectoryNode {
    const found: DirectoryNode = { type: "directory", ...this.#attributes(path, stat) };
    const node = (this.#options.ledger?.restore(stat, found) as DirectoryNode | undefined) ?? found;
    if (stat.dev === this.#rootStat.dev) this.#makeReadable(path, stat, 0o500, found);
    return node;
  }

  #leaf(path: Buffer, stat: BigIntStats): LeafNode {
    const attributes = this.#attributes(path, stat);
    const found = this.#typed(path, stat, attributes);
    const node = this.#options.ledger?.restore(stat, found) ?? found;
    if (stat.isFile() && !this.#makeReadable(path, stat, 0o400, found)) {
      checkReadable(path, stat, this.#uid);
    }
    return node;
  }

  #typed(path: Buffer, stat: BigIntStats, attributes: Attributes): LeafNode {
    if (stat.isFile()) {
      return {
        type: "file",
        ...attributes,
        sizeBytes: Number(stat.size),
        content: { kind: "host-file", path },
      };
    }
    if (stat.isSymbolicLink()) {
      return { type: "symlink", ...attributes, target: readlinkSync(path, "latin1") };
    }
    if (stat.isFIFO()) return { type: "fifo", ...attributes };
    if (stat.isSocket()) return { type: "socket", ...attributes };
    return {
      type: stat.isBlockDevice() ? "block-device" : "character-device",
      ...attributes,
      ...splitDevice(stat.rdev),
    };
  }

  #attributes(path: Buffer, stat: BigIntStats): Attributes {
    const xattrs = readXattrs(withNul(path));
    const owner = this.#options.owner;
    return {
      mode: Number(stat.mode & 0o7777n),
      uid: owner?.uid ?? Number(stat.uid),
      gid: owner?.gid ?? Number(stat.gid),
      mtimeSeconds: secondsOf(stat.mtimeNs),
      ...(xattrs === undefined ? {} : { xattrs }),
    };
  }

  /** Whether the rights were missing and have been added. */
  #makeReadable(path: Buffer, stat: BigIntStats, rights: number, found: Node): boolean {
    const { makeReadable, ledger } = this.#options;
    if (makeReadable !== true || ledger === undefined) return false;
    const mode = Number(stat.mode & 0o7777n);
    if ((mode & rights) === rights || stat.uid !== this.#uid || this.#uid === 0n) return false;
    chmodNoFollow(path, mode | rights);
    ledger.keepMode(stat, mode | rights, found);
    return true;
  }
}

/** The second that a time lies in. BigInts divide towards zero, which is the wrong way before 1970. */
function secondsOf(timeNs: bigint): number {
  return Math.floor(Number(timeNs / 1_000_000n) / 1000 - (timeNs % 1_000_000n < 0n ? 1e-3 : 0));
}

/** Finds files that can't be opened now, with their path, and not when the image is half written. */
function checkReadable(path: Buffer, stat: BigIntStats, uid: bigint): void {
  const ownerMayRead = stat.uid === uid && (stat.mode & 0o400n) !== 0n;
  const allMayRead = stat.uid !== uid && (stat.mode & 0o444n) === 0o444n;
  if (!ownerMayRead && !allMayRead) accessSync(path, constants.R_OK);
}

import { accessSync, constants, readlinkSync, type BigIntStats } from "node:fs";
import type { ByteString } from "../model/bytes-path.ts";
import type { Attributes, DirectoryNode, LeafNode, Node } from "../model/node.ts";
import { splitDevice } from "../system/syscalls.ts";
import { chmodNoFollow } from "./directory-handle.ts";
import type { InodeStat, Ledger } from "./ledger.ts";
import { readXattrs } from "./read-xattrs.ts";

export interface EntryReaderOptions {
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
}

/** What else is known of an entry that the folder shows and another one holds, as in an overlay. */
export interface Holder {
  /** Where the bytes of a file are read later. */
  readonly contents: Buffer;
  /** The inode itself. */
  readonly inode: InodeStat & Pick<BigIntStats, "nlink">;
  /** The inode as the ledger may know it. */
  readonly noted: InodeStat;
}

/** The bytes of a path; the NUL behind them is for the C library and not part of the buffer. */
export function pathBuffer(path: ByteString): Buffer {
  return Buffer.from(`${path}\0`, "latin1").subarray(0, -1);
}

/** The same bytes with the NUL. */
function withNul(path: Buffer): Buffer {
  return Buffer.from(path.buffer, path.byteOffset, path.length + 1);
}

/** Makes nodes of what lies in a folder on disk. Paths are those of `pathBuffer`. */
export class EntryReader {
  readonly #options: EntryReaderOptions;
  /** Of the folder itself. */
  readonly #device: bigint;
  /** Inode → node, for files with several names. */
  readonly #linked = new Map<string, LeafNode>();
  readonly #uid = BigInt(process.geteuid?.() ?? 0);

  constructor(root: BigIntStats, options: EntryReaderOptions) {
    this.#device = root.dev;
    this.#options = options;
  }

  /** Whether a directory is a mount point: what is mounted there doesn't belong to the folder. */
  isMounted(stat: BigIntStats): boolean {
    // Only directories are judged by their device: on an overlay, files may be of a device other than the folder's.
    return stat.dev !== this.#device;
  }

  directory(path: Buffer, stat: BigIntStats, noted: InodeStat = stat): DirectoryNode {
    const found: DirectoryNode = { type: "directory", ...this.#attributes(path, stat) };
    const { ledger } = this.#options;
    const node = (ledger?.restore(noted, found) as DirectoryNode | undefined) ?? found;
    if (!this.isMounted(stat)) this.#makeReadable(path, stat, 0o500, found);
    return node;
  }

  /** Anything but a directory; the same node for each name of an inode. */
  leaf(path: Buffer, stat: BigIntStats, holder?: Holder): LeafNode {
    const { nlink, dev, ino } = holder?.inode ?? stat;
    if (nlink === 1n) return this.#leaf(path, stat, holder);
    const inode = `${dev}:${ino}`;
    const made = this.#linked.get(inode) ?? this.#leaf(path, stat, holder);
    this.#linked.set(inode, made);
    return made;
  }

  #leaf(path: Buffer, stat: BigIntStats, holder: Holder | undefined): LeafNode {
    const attributes = this.#attributes(path, stat);
    const found = typed(path, stat, attributes, holder?.contents ?? path);
    const node = this.#options.ledger?.restore(holder?.noted ?? stat, found) ?? found;
    if (stat.isFile() && !this.#makeReadable(path, stat, 0o400, found)) {
      checkReadable(path, stat, this.#uid);
    }
    return node;
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

function typed(
  path: Buffer,
  stat: BigIntStats,
  attributes: Attributes,
  contents: Buffer,
): LeafNode {
  if (stat.isFile()) {
    return {
      type: "file",
      ...attributes,
      sizeBytes: Number(stat.size),
      content: { kind: "host-file", path: contents },
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

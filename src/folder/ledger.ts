// What a disk could not hold. A user who isn't root can't give files away, make devices or set file capabilities; even
// root in a user namespace can't make devices. What was wanted is remembered by inode, and comes back when the folder is
// read again, as long as the inode is the same and nobody changed on disk what it is about.

import type { BigIntStats } from "node:fs";
import type { ByteString } from "../model/bytes-path.ts";
import type { LeafNode, Node } from "../model/node.ts";

/** What identifies an inode, and what can change about it. */
export type InodeStat = Pick<
  BigIntStats,
  "dev" | "ino" | "mode" | "uid" | "gid" | "size" | "mtimeNs" | "birthtimeNs"
>;

export interface Device {
  readonly type: "character-device" | "block-device";
  readonly major: number;
  readonly minor: number;
}

/** One inode: what it should be, and how it was left on disk. */
interface Entry {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly device?: Device | undefined;
  readonly xattrs?: ReadonlyMap<ByteString, Uint8Array> | undefined;
  readonly disk: {
    /** The type's bits of the mode. */
    readonly type: number;
    readonly uid: number;
    readonly gid: number;
    readonly mode: number;
    readonly sizeBytes: number;
    readonly mtimeNs: bigint;
  };
}

/**
 * Inode numbers are used again, often at once, and an overlay over two parts of one file system may show one twice: the time
 * of birth tells such inodes apart. It is 0 where the disk keeps none. The highest bit of a number is in use on overlays, and
 * Node takes it for a sign.
 */
const keyOf = ({ dev, ino, birthtimeNs }: InodeStat) =>
  `${BigInt.asUintN(64, ino)}:${dev}:${birthtimeNs}`;
const typeOf = (stat: InodeStat) => Number(stat.mode & 0o170_000n);
const permissionsOf = (stat: InodeStat) => Number(stat.mode & 0o7777n);

const directoryType = 0o040_000;
const fileType = 0o100_000;

/** Remembers, inode by inode, what a folder's disk could not hold. Plain data: `toJSON` and `fromJSON` carry it over. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();

  /** How many inodes it knows. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Compares what was wanted with what came of it, and keeps the difference.
   * @param stat of the finished file: the last thing done to it
   * @param missingXattrs those that could not be set
   * @param always keep it without a difference too: where a reader takes the owner on disk for somebody else, what was
   *   meant to be this user's own must be told from what only is
   */
  remember(
    stat: InodeStat,
    wanted: Node,
    missingXattrs?: ReadonlyMap<ByteString, Uint8Array>,
    always = false,
  ): void {
    const mode = permissionsOf(stat);
    const device =
      (wanted.type === "character-device" || wanted.type === "block-device") &&
      typeOf(stat) === fileType
        ? { type: wanted.type, major: wanted.major, minor: wanted.minor }
        : undefined;
    const xattrs =
      missingXattrs !== undefined && missingXattrs.size > 0 ? missingXattrs : undefined;
    // Linux has no modes of symlinks.
    const wantedMode = wanted.type === "symlink" ? mode : wanted.mode;
    if (
      !always &&
      device === undefined &&
      xattrs === undefined &&
      wanted.uid === Number(stat.uid) &&
      wanted.gid === Number(stat.gid) &&
      wantedMode === mode
    ) {
      this.#entries.delete(keyOf(stat));
      return;
    }
    this.#set(stat, { ...wanted, mode: wantedMode }, device, xattrs);
  }

  /**
   * Notes that we are about to change the mode on disk, and that the mode that counts is the one before.
   * @param before the inode as it is
   * @param found the node that it stands for, should the ledger not know it yet
   */
  keepMode(before: InodeStat, modeOnDisk: number, found: Node): void {
    const known = this.#entryOf(before);
    if (known === undefined) this.#set(before, found, undefined, undefined);
    const entry = this.#entries.get(keyOf(before)) as Entry;
    const mode = entry.disk.mode === permissionsOf(before) ? entry.mode : permissionsOf(before);
    this.#entries.set(keyOf(before), { ...entry, mode, disk: { ...entry.disk, mode: modeOnDisk } });
  }

  /** The owner and the device that are noted for an inode; undefined where the disk says it all. */
  noted(
    stat: InodeStat,
  ):
    | { readonly uid: number; readonly gid: number; readonly device: Device | undefined }
    | undefined {
    const entry = this.#entryOf(stat);
    if (entry === undefined) return undefined;
    const sameOwner = entry.disk.uid === Number(stat.uid) && entry.disk.gid === Number(stat.gid);
    return {
      uid: sameOwner ? entry.uid : Number(stat.uid),
      gid: sameOwner ? entry.gid : Number(stat.gid),
      device: typeOf(stat) === fileType && stat.size === 0n ? entry.device : undefined,
    };
  }

  /**
   * Notes an owner that somebody asked for and the disk can't hold.
   * @param stat of the inode as it is now
   * @param device what an empty file has just been made to stand for
   * @param always note it if the disk holds it too, as for `remember`
   */
  noteOwner(
    stat: InodeStat,
    owner: { readonly uid: number; readonly gid: number },
    device?: Device,
    always = false,
  ): void {
    const known = this.#entryOf(stat);
    if (known === undefined || device !== undefined) {
      const isOnDisk = !always && owner.uid === Number(stat.uid) && owner.gid === Number(stat.gid);
      if (isOnDisk && device === undefined) this.#entries.delete(keyOf(stat));
      else this.#set(stat, { ...owner, mode: permissionsOf(stat) }, device, undefined);
      return;
    }
    const disk = { ...known.disk, uid: Number(stat.uid), gid: Number(stat.gid) };
    this.#entries.set(keyOf(stat), { ...known, ...owner, disk });
  }

  /** The numbers of all inodes that it knows. */
  *inodeNumbers(): Generator<bigint> {
    for (const key of this.#entries.keys()) yield BigInt(key.slice(0, key.indexOf(":")));
  }

  /** Whether a directory is noted that gives its group to what is made in it. */
  get hasGroupDirectories(): boolean {
    return [...this.#entries.values()].some(
      ({ disk, gid }) => disk.type === directoryType && (disk.mode & 0o2000) !== 0 && gid !== 0,
    );
  }

  /** Whether the inode is one that was remembered. */
  knows(stat: InodeStat): boolean {
    return this.#entryOf(stat) !== undefined;
  }

  /**
   * The node as it was meant, from the node as the disk has it. What was changed on disk since wins: the owner, the
   * mode, a placeholder that somebody wrote into.
   */
  restore<N extends Node>(stat: InodeStat, found: N): N | LeafNode {
    const entry = this.#entryOf(stat);
    if (entry === undefined) return found;
    const sameOwner = entry.disk.uid === Number(stat.uid) && entry.disk.gid === Number(stat.gid);
    const attributes = {
      mode: entry.disk.mode === permissionsOf(stat) ? entry.mode : found.mode,
      uid: sameOwner ? entry.uid : found.uid,
      gid: sameOwner ? entry.gid : found.gid,
      mtimeSeconds: found.mtimeSeconds,
      xattrs: this.#xattrsOf(entry, stat, found.xattrs),
    };
    if (entry.device !== undefined && found.type === "file" && found.sizeBytes === 0) {
      return { ...attributes, ...entry.device };
    }
    return { ...found, ...attributes };
  }

  #set(
    stat: InodeStat,
    wanted: Pick<Node, "uid" | "gid" | "mode">,
    device: Device | undefined,
    xattrs: ReadonlyMap<ByteString, Uint8Array> | undefined,
  ): void {
    this.#entries.set(keyOf(stat), {
      uid: wanted.uid,
      gid: wanted.gid,
      mode: wanted.mode,
      device,
      xattrs,
      disk: {
        type: typeOf(stat),
        uid: Number(stat.uid),
        gid: Number(stat.gid),
        mode: permissionsOf(stat),
        sizeBytes: Number(stat.size),
        mtimeNs: stat.mtimeNs,
      },
    });
  }

  #entryOf(stat: InodeStat): Entry | undefined {
    const entry = this.#entries.get(keyOf(stat));
    if (entry === undefined || entry.disk.type !== typeOf(stat)) return undefined;
    // Without a time of birth a successor gives itself away by its time of change. A directory's changes all the time,
    // but what a wrong owner of a directory can do is little.
    const certain = stat.birthtimeNs !== 0n || typeOf(stat) === directoryType;
    return certain || entry.disk.mtimeNs === stat.mtimeNs ? entry : undefined;
  }

  #xattrsOf(
    entry: Entry,
    stat: InodeStat,
    found: ReadonlyMap<ByteString, Uint8Array> | undefined,
  ): ReadonlyMap<ByteString, Uint8Array> | undefined {
    if (entry.xattrs === undefined) return found;
    // Linux drops file capabilities when a file is written to. A right that was granted to other bytes must not return.
    const untouched =
      entry.disk.mtimeNs === stat.mtimeNs && entry.disk.sizeBytes === Number(stat.size);
    const both = new Map(found);
    for (const [name, value] of entry.xattrs) {
      if (!both.has(name) && (untouched || !name.startsWith("security."))) both.set(name, value);
    }
    return both.size === 0
      ? undefined
      : new Map([...both].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** As data, to be carried to another process. */
  toJSON(): unknown {
    return [...this.#entries].map(([key, entry]) => [
      key,
      {
        ...entry,
        disk: { ...entry.disk, mtimeNs: String(entry.disk.mtimeNs) },
        xattrs:
          entry.xattrs &&
          [...entry.xattrs].map(([name, value]) => [name, Buffer.from(value).toString("base64")]),
      },
    ]);
  }

  /** The ledger that `toJSON` gave. */
  static fromJSON(data: unknown): Ledger {
    type Stored = Omit<Entry, "xattrs" | "disk"> & {
      xattrs?: [string, string][];
      disk: Omit<Entry["disk"], "mtimeNs"> & { mtimeNs: string };
    };
    const ledger = new Ledger();
    for (const [key, stored] of data as [string, Stored][]) {
      ledger.#entries.set(key, {
        ...stored,
        disk: { ...stored.disk, mtimeNs: BigInt(stored.disk.mtimeNs) },
        xattrs:
          stored.xattrs &&
          new Map(stored.xattrs.map(([name, value]) => [name, Buffer.from(value, "base64")])),
      });
    }
    return ledger;
  }
}

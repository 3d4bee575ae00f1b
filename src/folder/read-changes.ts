// What an overlay's upper layer says has changed:
//
//   a name that the merged view lacks      something of the layer below was taken away
//   a note (`upper-notes.ts`)              says so of another name
//   a directory                            its names are merged with those of the directory of that name below, unless it is
//                                          marked as opaque, or as one that has come from elsewhere: from the name beside
//                                          it, or from the path if that starts with a slash
//   anything else                          stands for itself, and has all of its bytes here

import { lstatSync, lutimesSync, type BigIntStats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { toByteString, type ByteString } from "../model/bytes-path.ts";
import type { LeafNode, Node } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { CopiedUp, type LastWritten } from "./copied-up.ts";
import { EntryReader, pathBuffer } from "./entry-reader.ts";
import { folderError } from "./folder-error.ts";
import { reservedName } from "./fuse-notes.ts";
import { inodeNumber } from "./inode-number.ts";
import type { InodeStat, Ledger } from "./ledger.ts";
import { namesIn, unreadableEntry, type ReadFolderOptions } from "./read-folder.ts";
import type { UpperNotes } from "./upper-notes.ts";

/** An overlay, as this process sees it. */
export interface OverlayView {
  /** Both layers merged. */
  readonly folder: string;
  /** The upper layer alone: where contents are read from. */
  readonly upperFolder: string;
  /** The lower layer alone. */
  readonly lowerFolder: string;
  /** What the upper layer is written in. */
  readonly notes: UpperNotes;
  /** Needed where that loses times. */
  readonly lastWritten?: LastWritten | undefined;
}

export interface ReadChangesOptions extends ReadFolderOptions {
  /** Told of paths that a script made in a directory of another group and that may not have got that group. */
  readonly onLostGroup?: ((path: ByteString) => void) | undefined;
}

/**
 * The tree of an overlay: that of its lower layer, changed by what is in the upper one. Only the latter is looked at, so
 * it costs what has changed; what has not keeps its node.
 * @param below the tree of the lower layer, which is not changed
 * @param options as for `readFolder`; the ledger knows inodes as the merged view has them, or had them once
 * @throws {HostError} `folder/unreadable`, `folder/reserved-name`
 */
export async function readChanges(
  view: OverlayView,
  below: FileTree,
  options: ReadChangesOptions = {},
): Promise<FileTree> {
  return new ChangesReader(view, below, options).read();
}

/** What the kernel adds to numbers of the lower layer of two. */
const lowerMark = 1n << 63n;

/** In modes. */
const setGroupId = 0o2000;

/** An entry of the upper layer. */
interface Found {
  /** Its path in the merged view. */
  readonly bytes: Buffer;
  readonly stat: BigIntStats;
  readonly upper: Buffer;
  readonly inode: BigIntStats;
}

interface Merged {
  readonly directory: Directory;
  readonly path: ByteString;
  /** The directory that it is laid over. */
  readonly below: Directory | undefined;
  /** In the upper layer: the view may show a time that it remembers. */
  readonly inode: BigIntStats;
  /** Whether names came or went in it. */
  isChanged: boolean;
}

class ChangesReader {
  readonly #view: ByteString;
  readonly #upper: ByteString;
  readonly #lower: ByteString;
  readonly #ledger: Ledger | undefined;
  readonly #below: FileTree;
  readonly #signal: AbortSignal | undefined;
  readonly #reader: EntryReader;
  readonly #rootStat: BigIntStats;
  readonly #notes: UpperNotes;
  readonly #copiedUp: CopiedUp | undefined;
  readonly #onLostGroup: ReadChangesOptions["onLostGroup"];

  constructor(view: OverlayView, below: FileTree, options: ReadChangesOptions) {
    const { folder, notes, lastWritten } = view;
    this.#notes = notes;
    this.#view = toByteString(folder);
    this.#upper = toByteString(view.upperFolder);
    this.#lower = toByteString(view.lowerFolder);
    this.#ledger = options.ledger;
    this.#below = below;
    this.#signal = options.signal;
    this.#onLostGroup = notes.losesGroups ? options.onLostGroup : undefined;
    if (notes.losesTimes && lastWritten !== undefined) {
      this.#copiedUp = new CopiedUp(this.#lower, below, lastWritten);
    }
    try {
      this.#rootStat = lstatSync(pathBuffer(this.#view), { bigint: true });
    } catch (error) {
      throw folderError(error, "folder/unreadable", `can't read the folder ${folder}`);
    }
    this.#reader = new EntryReader(this.#rootStat, options);
  }

  async read(): Promise<FileTree> {
    const tree = this.#below.clone();
    tree.root.node = this.#reader.directory(pathBuffer(this.#view), this.#rootStat);
    const pending: Merged[] = [
      {
        directory: tree.root,
        path: "",
        below: this.#below.root,
        inode: lstatSync(pathBuffer(this.#upper), { bigint: true }),
        isChanged: false,
      },
    ];
    let entries = 0;
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const name of namesIn(`${this.#upper}${next.path}`)) {
        const deeper = this.#entry(next, name);
        if (deeper !== undefined) pending.push(deeper);
        if (++entries % 2000 !== 0) continue;
        // Lets a Ctrl-C through.
        await setImmediate();
        this.#signal?.throwIfAborted();
      }
      this.#mendTime(next);
    }
    return tree;
  }

  /** Takes over what a name stands for now. Gives the directory that is to be looked into. */
  #entry(merged: Merged, name: ByteString): Merged | undefined {
    const inside = `${merged.path}/${name}`;
    const upper = pathBuffer(`${this.#upper}${inside}`);
    try {
      const about = this.#notes.about(name, upper);
      if (about !== undefined) {
        if (about !== "") this.#takeAway(merged, about, name);
        return undefined;
      }
      const bytes = pathBuffer(`${this.#view}${inside}`);
      const stat = lstatSync(bytes, { bigint: true, throwIfNoEntry: false });
      const inode = lstatSync(upper, { bigint: true });
      if (stat === undefined) {
        merged.directory.children.delete(name);
        merged.isChanged ||= this.#copiedUp?.wasThere(inside, inode, inode, upper) !== true;
        return undefined;
      }
      return stat.isDirectory()
        ? this.#subdirectory(merged, name, { bytes, stat, upper, inode })
        : this.#leaf(merged, name, { bytes, stat, upper, inode });
    } catch (error) {
      throw unreadableEntry(error, `${this.#view}${inside}`);
    }
  }

  #takeAway(merged: Merged, name: ByteString, note: ByteString): void {
    const path = pathBuffer(`${this.#view}${merged.path}/${name}`);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw reservedName(note);
    merged.directory.children.delete(name);
    const at = `${merged.path}/${note}`;
    const upper = pathBuffer(`${this.#upper}${at}`);
    const inode = lstatSync(upper, { bigint: true });
    merged.isChanged ||= this.#copiedUp?.wasThere(at, inode, inode, upper) !== true;
  }

  #leaf(merged: Merged, name: ByteString, { bytes, stat, upper, inode }: Found): undefined {
    const inside = `${merged.path}/${name}`;
    const noted = this.#noted(stat, inode, inside);
    const leaf = this.#reader.leaf(bytes, stat, { contents: upper, inode, noted });
    merged.directory.children.set(name, this.#mended(leaf, inside, stat, inode));
    if (this.#copiedUp?.wasThere(inside, stat, inode, upper) === true) return;
    merged.isChanged = true;
    // What root makes gets it from the upper layer's file system.
    if (leaf.uid !== 0) this.#checkGroup(merged, leaf, inside);
  }

  #subdirectory(merged: Merged, name: ByteString, { bytes, stat, upper, inode }: Found): Merged {
    const { directory, below, path } = merged;
    const inside = `${path}/${name}`;
    const noted = this.#noted(stat, inode, inside);
    const source = this.#source(upper, below, name);
    const node = this.#reader.directory(bytes, stat, noted);
    const there = directory.children.get(name);
    const isInPlace = source !== undefined && source === below?.children.get(name);
    // What is in place has been copied with all that is above it.
    const made = isInPlace && there instanceof Directory ? there : copyOf(source, node);
    made.node = node;
    directory.children.set(name, made);
    const isOld = isInPlace || this.#copiedUp?.wasThere(inside, stat, inode, upper) === true;
    if (!isOld) {
      merged.isChanged = true;
      this.#checkGroup(merged, node, inside);
    }
    return { directory: made, path: inside, below: source, inode, isChanged: !isOld };
  }

  /** A directory that was changed only because something in it was copied up has the time that it had. */
  #mendTime({ directory, path, inode, isChanged }: Merged): void {
    const mtimeSeconds = isChanged ? undefined : this.#copiedUp?.directoryTime(path, inode);
    if (mtimeSeconds === undefined) return;
    directory.node = { ...directory.node, mtimeSeconds };
    this.#setTime(path, mtimeSeconds);
  }

  #mended(leaf: LeafNode, inside: ByteString, stat: BigIntStats, inode: BigIntStats): LeafNode {
    // Names of one inode have one node.
    if (leaf.type !== "symlink" || inode.nlink > 1n) return leaf;
    const mtimeSeconds = this.#copiedUp?.symlinkTime(inside, stat, inode);
    if (mtimeSeconds === undefined) return leaf;
    this.#setTime(inside, mtimeSeconds);
    return { ...leaf, mtimeSeconds };
  }

  /** On disk, where the next script and the next reading find it. */
  #setTime(inside: ByteString, mtimeSeconds: number): void {
    const time = new Date(mtimeSeconds * 1000);
    lutimesSync(pathBuffer(`${this.#view}${inside}`), time, time);
  }

  #checkGroup({ directory }: Merged, node: Node, inside: ByteString): void {
    const { mode, gid } = directory.node;
    if ((mode & setGroupId) === 0) return;
    const hasBit = node.type !== "directory" || (node.mode & setGroupId) !== 0;
    if (node.gid !== gid || !hasBit) this.#onLostGroup?.(inside.slice(1));
  }

  /**
   * What has been copied up has the number of the lower inode for as long as the kernel remembers that, and that of the
   * upper one afterwards, unless it can find the lower one again; for plain users it can't. Where the layers are on two
   * file systems, numbers of the lower one have their highest bit set (`xino`). Where the view shows no times of birth, what
   * was noted when it was born had the time of birth for its time of change.
   */
  #noted(stat: BigIntStats, { ino, ...inode }: BigIntStats, inside: ByteString): InodeStat {
    const ledger = this.#ledger;
    if (ledger === undefined || ledger.size === 0 || ledger.knows(stat)) return stat;
    const below = inodeNumber(`${this.#lower}${inside}`);
    const numbers = [ino, ...(below === undefined ? [] : [below, below | lowerMark])];
    const { dev, mode, uid, gid, size, mtimeNs, birthtimeNs } = stat;
    const others = numbers.map((number) => ({
      dev,
      ino: number,
      mode,
      uid,
      gid,
      size,
      mtimeNs,
      birthtimeNs,
    }));
    if (birthtimeNs === 0n) {
      const asBorn = inode.birthtimeNs;
      others.push({ dev, ino, mode, uid, gid, size, mtimeNs: asBorn, birthtimeNs });
    }
    return others.find((other) => ledger.knows(other)) ?? stat;
  }

  /** The lower layer's directory that an upper one is laid over. */
  #source(upper: Buffer, below: Directory | undefined, name: ByteString): Directory | undefined {
    const { isOpaque, from } = this.#notes.marks(upper);
    if (isOpaque) return undefined;
    const found =
      from?.startsWith("/") === true
        ? this.#below.lookup(from.slice(1))
        : below?.children.get(from ?? name);
    return found instanceof Directory ? found : undefined;
  }
}

function copyOf(source: Directory | undefined, node: Directory["node"]): Directory {
  return source?.clone() ?? new Directory(node);
}

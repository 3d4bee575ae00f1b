// What an overlay's upper layer says has changed (Documentation/filesystems/overlayfs.rst of the Linux kernel):
//
//   a name that the merged view lacks      something of the layer below was taken away
//   a directory                            its names are merged with those of the directory of that name below, unless it is
//                                          marked `overlay.opaque`, or has come from elsewhere, `overlay.redirect`: from
//                                          the name beside it, or from the path if that starts with a slash
//   anything else                          stands for itself, and has all of its bytes here (`metacopy` is off)
//
// The marks are extended attributes of the upper layer's own directories, which the merged view doesn't show: `trusted.`
// where the machine's root has mounted it, `user.` elsewhere.

import { lstatSync, type BigIntStats } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { toByteString, type ByteString } from "../model/bytes-path.ts";
import { getXattr, listXattrs, terminated } from "../system/syscalls.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { EntryReader, pathBuffer } from "./entry-reader.ts";
import { errnoOf, folderError } from "./folder-error.ts";
import type { InodeStat, Ledger } from "./ledger.ts";
import { namesIn, unreadableEntry, type ReadFolderOptions } from "./read-folder.ts";

/** An overlay, as this process sees it. */
export interface OverlayView {
  /** Both layers merged. */
  readonly folder: string;
  /** The upper layer alone: where contents are read from. */
  readonly upperFolder: string;
  /** The lower layer alone. */
  readonly lowerFolder: string;
}

/**
 * The tree of an overlay: that of its lower layer, changed by what is in the upper one. Only the latter is looked at, so
 * it costs what has changed; what has not keeps its node.
 * @param below the tree of the lower layer, which is not changed
 * @param options as for `readFolder`; the ledger knows inodes as the merged view has them, or had them once
 * @throws {HostError} `folder/unreadable`
 */
export async function readChanges(
  view: OverlayView,
  below: FileTree,
  options: ReadFolderOptions = {},
): Promise<FileTree> {
  return new ChangesReader(view, below, options).read();
}

/** What the kernel adds to numbers of the lower layer of two. */
const lowerMark = 1n << 63n;

interface Merged {
  readonly directory: Directory;
  readonly path: ByteString;
  /** The directory that it is laid over. */
  readonly below: Directory | undefined;
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

  constructor(view: OverlayView, below: FileTree, options: ReadFolderOptions) {
    const { folder } = view;
    this.#view = toByteString(folder);
    this.#upper = toByteString(view.upperFolder);
    this.#lower = toByteString(view.lowerFolder);
    this.#ledger = options.ledger;
    this.#below = below;
    this.#signal = options.signal;
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
    const pending: Merged[] = [{ directory: tree.root, path: "", below: this.#below.root }];
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
    }
    return tree;
  }

  /** Takes over what a name stands for now. Gives the directory that is to be looked into. */
  #entry({ directory, path, below }: Merged, name: ByteString): Merged | undefined {
    const inside = `${path}/${name}`;
    const bytes = pathBuffer(`${this.#view}${inside}`);
    try {
      const stat = lstatSync(bytes, { bigint: true, throwIfNoEntry: false });
      if (stat === undefined) {
        directory.children.delete(name);
        return undefined;
      }
      const upper = pathBuffer(`${this.#upper}${inside}`);
      const inode = lstatSync(upper, { bigint: true });
      const noted = this.#noted(stat, inode, inside);
      if (!stat.isDirectory()) {
        const leaf = this.#reader.leaf(bytes, stat, { contents: upper, inode, noted });
        directory.children.set(name, leaf);
        return undefined;
      }
      const source = this.#source(upper, below, name);
      const node = this.#reader.directory(bytes, stat, noted);
      const there = directory.children.get(name);
      const isInPlace = source !== undefined && source === below?.children.get(name);
      // What is in place has been copied with all that is above it.
      const made = isInPlace && there instanceof Directory ? there : copyOf(source, node);
      made.node = node;
      directory.children.set(name, made);
      return { directory: made, path: inside, below: source };
    } catch (error) {
      throw unreadableEntry(error, `${this.#view}${inside}`);
    }
  }

  /**
   * What has been copied up has the number of the lower inode for as long as the kernel remembers that, and that of the
   * upper one afterwards, unless it can find the lower one again; for plain users it can't. Where the layers are on two
   * file systems, numbers of the lower one have their highest bit set (`xino`).
   */
  #noted(stat: BigIntStats, { ino }: BigIntStats, inside: ByteString): InodeStat {
    const ledger = this.#ledger;
    if (ledger === undefined || ledger.size === 0 || ledger.knows(stat)) return stat;
    const below = inodeNumber(`${this.#lower}${inside}`);
    const numbers = [ino, ...below.flatMap((number) => [number, number | lowerMark])];
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
    return others.find((other) => ledger.knows(other)) ?? stat;
  }

  /** The lower layer's directory that an upper one is laid over. */
  #source(upper: Buffer, below: Directory | undefined, name: ByteString): Directory | undefined {
    const path = terminated(upper);
    const marks = new Map<string, ByteString>();
    for (const attribute of listXattrs(path)) {
      const [, mark] = /^(?:trusted|user)\.overlay\.(opaque|redirect)$/.exec(attribute) ?? [];
      if (mark !== undefined) marks.set(mark, getXattr(path, attribute).toString("latin1"));
    }
    if (marks.get("opaque") === "y") return undefined;
    const from = marks.get("redirect");
    const found =
      from?.startsWith("/") === true
        ? this.#below.lookup(from.slice(1))
        : below?.children.get(from ?? name);
    return found instanceof Directory ? found : undefined;
  }
}

/** None where there is nothing, or no folder above it. */
function inodeNumber(path: ByteString): bigint[] {
  try {
    return [lstatSync(pathBuffer(path), { bigint: true }).ino];
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return [];
    throw error;
  }
}

function copyOf(source: Directory | undefined, node: Directory["node"]): Directory {
  return source?.clone() ?? new Directory(node);
}

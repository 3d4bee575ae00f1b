// What fuse-overlayfs changes by the way when it copies something up: the directory that it is in gets the time of now, and
// a symlink too. What they had before is found again.

import type { BigIntStats } from "node:fs";
import type { ByteString } from "../model/bytes-path.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { originOf } from "./fuse-notes.ts";
import { inodeNumber } from "./inode-number.ts";

/** What the folder was when it was last written. */
export interface LastWritten {
  readonly tree: FileTree;
  /** When that was done: what happened later was done by a script. */
  readonly atNs: bigint;
}

export class CopiedUp {
  readonly #lower: ByteString;
  readonly #below: FileTree;
  readonly #last: LastWritten;
  /** The lower layer's symlinks: inode number → path. */
  #symlinks: ReadonlyMap<bigint, ByteString> | undefined;

  constructor(lower: ByteString, below: FileTree, last: LastWritten) {
    this.#lower = lower;
    this.#below = below;
    this.#last = last;
  }

  /**
   * Whether an entry of the upper layer was there before the script, if perhaps in the lower layer.
   * @param inside its path, with a leading slash
   * @param stat as the merged view has it
   * @param inode as the upper layer has it
   */
  wasThere(inside: ByteString, stat: BigIntStats, inode: BigIntStats, upper: Buffer): boolean {
    // A change of its name would have changed its time of change.
    if (inode.ctimeNs <= this.#last.atNs) return true;
    if (stat.isFile()) return originOf(upper) === inside.slice(1);
    return stat.isSymbolicLink() && stat.ino === this.#numberBelow(inside);
  }

  /** The time that a symlink had before it was copied up, unless it got another one since. Arguments as above. */
  symlinkTime(inside: ByteString, stat: BigIntStats, inode: BigIntStats): number | undefined {
    // A symlink that a script made has one number.
    if (stat.ino === inode.ino || inode.mtimeNs !== inode.birthtimeNs) return undefined;
    const origin = stat.ino === this.#numberBelow(inside) ? inside : this.#symlinkOf(stat.ino);
    return origin === undefined ? undefined : this.#below.get(origin.slice(1))?.mtimeSeconds;
  }

  /** The time of a directory in which nothing came or went, if it seems to have got another one. */
  directoryTime(inside: ByteString, inode: BigIntStats): number | undefined {
    if (inode.mtimeNs <= this.#last.atNs) return undefined;
    const before = this.#last.tree.lookup(inside.slice(1));
    return before instanceof Directory ? before.node.mtimeSeconds : undefined;
  }

  #numberBelow(inside: ByteString): bigint | undefined {
    return inodeNumber(`${this.#lower}${inside}`);
  }

  #symlinkOf(number: bigint): ByteString | undefined {
    this.#symlinks ??= new Map(
      [...this.#below.walk()].flatMap(({ path, node }) => {
        const ino = node.type === "symlink" ? this.#numberBelow(`/${path}`) : undefined;
        return ino === undefined ? [] : [[ino, `/${path}`] as const];
      }),
    );
    return this.#symlinks.get(number);
  }
}

import { Ledger, type Device, type InodeStat } from "../folder/ledger.ts";

/** An owner that a file was given: for the ledger of the sandbox. */
export interface OwnerNote {
  readonly inode: InodeStat;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly device?: Device | undefined;
}

/** What the disk can't hold, as the scripts see it. Each change is told. */
export class Owners {
  readonly #ledger: Ledger;
  readonly #onNote: (note: OwnerNote) => void;
  #hasGroupDirectories: boolean;
  /** Lower halves of the numbers of all inodes that something was ever noted of. */
  readonly #numbers: Set<number>;

  constructor(ledger: Ledger, onNote: (note: OwnerNote) => void) {
    this.#ledger = ledger;
    this.#onNote = onNote;
    this.#hasGroupDirectories = ledger.hasGroupDirectories;
    this.#numbers = new Set(
      [...ledger.inodeNumbers()].map((number) => Number(number & 0xffff_ffffn)),
    );
  }

  /** False where certainly nothing is noted of the inode with this lower half of its number. */
  mayKnow(inodeNumber: number): boolean {
    return this.#numbers.has(inodeNumber);
  }

  /** Undefined where the disk says it all. */
  noted(inode: InodeStat): ReturnType<Ledger["noted"]> {
    return this.#ledger.noted(inode);
  }

  ownerOf(inode: InodeStat): { readonly uid: number; readonly gid: number } {
    return this.#ledger.noted(inode) ?? { uid: Number(inode.uid), gid: Number(inode.gid) };
  }

  note(
    inode: InodeStat,
    owner: { readonly uid: number; readonly gid: number },
    device?: Device,
  ): void {
    if (device === undefined && this.#isSaid(inode, owner)) return;
    this.#ledger.noteOwner(inode, owner, device);
    this.#numbers.add(Number(inode.ino & 0xffff_ffffn));
    this.#onNote({ inode, owner, device });
    if ((inode.mode & 0o170_000n) === 0o040_000n) this.#hasGroupDirectories ||= owner.gid !== 0;
  }

  #isSaid(inode: InodeStat, { uid, gid }: { readonly uid: number; readonly gid: number }): boolean {
    const known = this.ownerOf(inode);
    return known.uid === uid && known.gid === gid;
  }

  /** Whether there may be directories that give a group other than root's to what is made in them. */
  get hasGroupDirectories(): boolean {
    return this.#hasGroupDirectories;
  }
}

// Contents of files become blocks in the image: a big file's blocks one behind the other, many small files together in
// fragment blocks. Blocks are compressed by other threads in any order; they are written in the order in which they
// were cut, so that an image depends on the tree alone.

import { createHash, hash } from "node:crypto";
import type { FileNode } from "../model/node.ts";
import type { BlockPool, Slot } from "./block-pool.ts";
import { none, storedDataBit } from "./format.ts";
import { looksPacked } from "./looks-packed.ts";

/** Where the content of a file is, as its inode says. */
export interface StoredFile {
  /** Position of the first block. */
  start: number;
  /** The length word of each block; 0 for a block of zeros, which is not stored. */
  blocks: Uint32Array;
  fragment: number;
  fragmentOffset: number;
  /** Bytes in blocks that are not stored. */
  sparseBytes: number;
}

export interface FragmentEntry {
  readonly position: number;
  readonly lengthWord: number;
}

/** Takes the bytes of the image as they are written, one behind the other. */
export interface BlockSink {
  write(bytes: Uint8Array, position: number): void;
}

/** What waits for its turn to be written. */
type PendingBlock = {
  readonly slot: Slot;
  readonly lengthBytes: number;
  result: Result | undefined;
} & (
  | { readonly kind: "block"; readonly file: BigFile; readonly index: number }
  | { readonly kind: "fragment"; readonly number: number }
);

/** The end of a big file, which takes no time. */
interface PendingEnd {
  readonly kind: "end";
  readonly file: BigFile;
  readonly result: true;
}

interface Result {
  readonly compressedBytes: number;
  readonly hash: string | undefined;
}

interface BigFile {
  readonly node: FileNode;
  readonly stored: StoredFile;
  /** Of all that was cut so far; there only where a copy is possible. */
  readonly digest: ReturnType<typeof createHash> | undefined;
  /** Blocks cut so far. */
  cut: number;
  started: boolean;
}

/** What a small file has: all of it is in a fragment. */
const noBlocks = new Uint32Array(0);

interface OpenFragment {
  readonly number: number;
  readonly slot: Slot;
  filled: number;
}

interface Place {
  readonly fragment: number;
  readonly offset: number;
}

export class DataWriter {
  readonly #pool: BlockPool;
  readonly #sink: BlockSink;
  readonly #blockBytes: number;
  readonly #zeros: Buffer;
  readonly #copyPossible: (node: FileNode) => boolean;

  readonly #pending: (PendingBlock | PendingEnd)[] = [];
  #nextPending = 0;
  #position: number;
  #idle: (() => void) | undefined;

  readonly fragments: FragmentEntry[] = [];
  #fragmentCount = 0;
  /** The fragment blocks that are being filled: one for each kind of content. */
  readonly #openFragments = new Map<boolean, OpenFragment>();

  readonly #smallFiles = new Map<string, Place>();
  readonly #bigFiles = new Map<string, StoredFile>();

  /** The file whose chunks are coming: a small one is collected first, a big one is cut as it comes. */
  #small: { readonly node: FileNode; filled: number } | undefined;
  readonly #collected: Buffer;
  #big: BigFile | undefined;
  #bigDone = 0;
  #slot: { readonly slot: Slot; filled: number } | undefined;

  readonly #stored = new Map<FileNode, StoredFile>();

  /**
   * @param position where the first block goes
   * @param copyPossible whether the tree has another file of the same size: only then is a content hashed
   */
  constructor(
    pool: BlockPool,
    sink: BlockSink,
    blockBytes: number,
    position: number,
    copyPossible: (node: FileNode) => boolean,
  ) {
    this.#pool = pool;
    this.#sink = sink;
    this.#blockBytes = blockBytes;
    this.#zeros = Buffer.alloc(blockBytes);
    this.#collected = Buffer.alloc(blockBytes);
    this.#position = position;
    this.#copyPossible = copyPossible;
  }

  /** Where the next block goes; after `finish`, the end of the data. */
  get position(): number {
    return this.#position;
  }

  /** Where the content of a file was put. Files of 0 bytes have none. */
  storedFile(node: FileNode): StoredFile | undefined {
    return this.#stored.get(node);
  }

  /** The next bytes of a file. Waits while too much is under way. */
  async push(node: FileNode, bytes: Uint8Array): Promise<void> {
    if (node.sizeBytes < this.#blockBytes) {
      await this.#pushSmall(node, bytes);
      return;
    }
    const file = this.#bigFile(node);
    let used = 0;
    while (used < bytes.length) {
      this.#slot ??= { slot: await this.#pool.takeSlot(), filled: 0 };
      const wanted = this.#blockLength(file);
      const piece = bytes.subarray(used, used + wanted - this.#slot.filled);
      this.#slot.slot.input.set(piece, this.#slot.filled);
      this.#slot.filled += piece.length;
      used += piece.length;
      if (this.#slot.filled === wanted) this.#cutBlock(file);
    }
    this.#endIfDone(file);
  }

  /** The next bytes of a file are zeros: a hole, most likely. Whole blocks of them cost nothing. */
  async pushZeros(node: FileNode, count: number): Promise<void> {
    let left = count;
    if (node.sizeBytes >= this.#blockBytes) {
      const file = this.#bigFile(node);
      if (this.#slot !== undefined) {
        const fill = Math.min(left, this.#blockLength(file) - this.#slot.filled);
        await this.push(node, this.#zeros.subarray(0, fill));
        left -= fill;
      }
      while (left > 0 && left >= this.#blockLength(file)) {
        left -= this.#blockLength(file);
        this.#cutZeros(file);
      }
      this.#endIfDone(file);
    }
    if (left > 0) await this.push(node, this.#zeros.subarray(0, left));
  }

  /** Writes what is still under way. */
  async finish(): Promise<void> {
    for (const open of this.#openFragments.values()) this.#closeFragment(open);
    this.#openFragments.clear();
    if (this.#nextPending < this.#pending.length) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
  }

  // Small files

  async #pushSmall(node: FileNode, bytes: Uint8Array): Promise<void> {
    if (this.#small === undefined && bytes.length === node.sizeBytes) {
      await this.#putSmall(node, bytes);
      return;
    }
    this.#small ??= { node, filled: 0 };
    this.#collected.set(bytes, this.#small.filled);
    this.#small.filled += bytes.length;
    if (this.#small.filled === node.sizeBytes) {
      this.#small = undefined;
      await this.#putSmall(node, this.#collected.subarray(0, node.sizeBytes));
    }
  }

  async #putSmall(node: FileNode, bytes: Uint8Array): Promise<void> {
    const key = this.#copyPossible(node) ? hash("sha256", bytes, "binary") : undefined;
    let place = key === undefined ? undefined : this.#smallFiles.get(key);
    if (place === undefined) {
      const open = await this.#openFragment(bytes);
      place = { fragment: open.number, offset: open.filled };
      open.slot.input.set(bytes, open.filled);
      open.filled += bytes.length;
      if (key !== undefined) this.#smallFiles.set(key, place);
    }
    this.#stored.set(node, {
      start: 0,
      blocks: noBlocks,
      fragment: place.fragment,
      fragmentOffset: place.offset,
      sparseBytes: 0,
    });
  }

  /**
   * A fragment block with room for the bytes. What is packed already has blocks of its own: among texts it would take
   * the place of what the compressor could refer to.
   */
  async #openFragment(bytes: Uint8Array): Promise<OpenFragment> {
    const kind = looksPacked(bytes);
    const open = this.#openFragments.get(kind);
    if (open !== undefined) {
      if (open.filled + bytes.length <= this.#blockBytes) return open;
      this.#openFragments.delete(kind);
      this.#closeFragment(open);
    }
    const slot = await this.#pool.takeSlot();
    const made = { number: this.#fragmentCount, slot, filled: 0 };
    this.#fragmentCount += 1;
    this.#openFragments.set(kind, made);
    return made;
  }

  #closeFragment({ number, slot, filled }: OpenFragment): void {
    this.#submit({ kind: "fragment", number, slot, lengthBytes: filled, result: undefined });
  }

  // Big files

  #bigFile(node: FileNode): BigFile {
    if (this.#big !== undefined) return this.#big;
    const blocks = new Uint32Array(Math.ceil(node.sizeBytes / this.#blockBytes));
    const stored: StoredFile = {
      start: 0,
      blocks,
      fragment: none,
      fragmentOffset: 0,
      sparseBytes: 0,
    };
    this.#stored.set(node, stored);
    const digest = this.#copyPossible(node) ? createHash("sha256") : undefined;
    this.#bigDone = 0;
    this.#big = { node, stored, digest, cut: 0, started: false };
    return this.#big;
  }

  #blockLength(file: BigFile): number {
    return Math.min(this.#blockBytes, file.node.sizeBytes - this.#bigDone);
  }

  #cutBlock(file: BigFile): void {
    const { slot, filled } = this.#slot ?? { slot: undefined, filled: 0 };
    if (slot === undefined) return;
    this.#slot = undefined;
    const input = slot.input.subarray(0, filled);
    if (input.equals(this.#zeros.subarray(0, filled))) {
      this.#pool.freeSlot(slot);
      this.#cutZeros(file);
      return;
    }
    this.#submit({
      kind: "block",
      file,
      index: file.cut,
      slot,
      lengthBytes: filled,
      result: undefined,
    });
    file.cut += 1;
    this.#bigDone += filled;
  }

  #cutZeros(file: BigFile): void {
    const length = this.#blockLength(file);
    file.stored.sparseBytes += length;
    file.cut += 1;
    this.#bigDone += length;
  }

  #endIfDone(file: BigFile): void {
    if (this.#big !== file || this.#bigDone < file.node.sizeBytes) return;
    this.#big = undefined;
    if (file.digest === undefined) return;
    this.#pending.push({ kind: "end", file, result: true });
    this.#writeReady();
  }

  // What is compressed is written in order

  #submit(pending: PendingBlock): void {
    this.#pending.push(pending);
    const wantsHash = pending.kind === "block" && pending.file.digest !== undefined;
    this.#pool.compress(pending.slot, pending.lengthBytes, wantsHash, (result) => {
      pending.result = result;
      this.#writeReady();
    });
  }

  #writeReady(): void {
    for (
      let head = this.#pending[this.#nextPending];
      head?.result !== undefined;
      head = this.#pending[this.#nextPending]
    ) {
      this.#nextPending += 1;
      this.#take(head);
    }
    if (this.#nextPending === this.#pending.length || this.#nextPending > 1000) {
      this.#pending.splice(0, this.#nextPending);
      this.#nextPending = 0;
    }
    if (this.#pending.length === 0) this.#idle?.();
  }

  #take(head: PendingBlock | PendingEnd): void {
    switch (head.kind) {
      case "end":
        this.#shareIfCopy(head.file);
        break;
      case "fragment": {
        const position = this.#position;
        this.fragments[head.number] = { position, lengthWord: this.#write(head) };
        break;
      }
      case "block": {
        const { file, index } = head;
        if (!file.started) {
          file.started = true;
          file.stored.start = this.#position;
        }
        file.stored.blocks[index] = this.#write(head);
        // The number says where holes are, the hash what is between them.
        file.digest?.update(`${index} `).update(head.result?.hash ?? "", "latin1");
        break;
      }
    }
  }

  #write(block: PendingBlock): number {
    const compressedBytes = block.result?.compressedBytes ?? 0;
    const { slot, lengthBytes } = block;
    const bytes =
      compressedBytes === 0
        ? slot.input.subarray(0, lengthBytes)
        : slot.output.subarray(0, compressedBytes);
    this.#sink.write(bytes, this.#position);
    this.#position += bytes.length;
    this.#pool.freeSlot(slot);
    return compressedBytes === 0 ? storedDataBit + lengthBytes : compressedBytes;
  }

  /** A file that turns out to be a copy of an earlier one shares its blocks, and what was written is taken back. */
  #shareIfCopy(file: BigFile): void {
    if (file.digest === undefined || !file.started) return;
    const key = `${file.node.sizeBytes} ${file.digest.digest("binary")}`;
    const original = this.#bigFiles.get(key);
    if (original === undefined) {
      this.#bigFiles.set(key, file.stored);
      return;
    }
    // Nothing else was written since: fragments are only closed between files.
    this.#position = file.stored.start;
    file.stored.start = original.start;
    file.stored.blocks = original.blocks;
  }
}

// Contents of files become blocks in the image: a big file's blocks one behind the other, many small files together in
// fragment blocks.

import { createHash, type Hash } from "node:crypto";
import type { FileNode } from "../model/node.ts";
import type { BlockPool, Slot } from "./block-pool.ts";
import { none } from "./format.ts";
import { FragmentWriter, type FragmentEntry } from "./fragment-writer.ts";
import { OrderedWriter, type BlockSink } from "./ordered-writer.ts";
import type { StoredFile } from "./stored-file.ts";

interface BigFile {
  readonly node: FileNode;
  readonly stored: StoredFile;
  /** Of all blocks that were written; there only where a copy is possible. */
  readonly digest: Hash | undefined;
  /** How far the file is cut. */
  blocks: number;
  bytes: number;
  /** The block that is being filled. */
  open: { readonly slot: Slot; filled: number } | undefined;
}

/** What a small file has: all of it is in a fragment. */
const noBlocks = new Uint32Array(0);

export class DataWriter {
  readonly #pool: BlockPool;
  readonly #writer: OrderedWriter;
  readonly #fragments: FragmentWriter;
  readonly #blockBytes: number;
  readonly #copyPossible: (node: FileNode) => boolean;
  readonly #zeros: Buffer;
  readonly #stored = new Map<FileNode, StoredFile>();
  /** Big contents by size and digest. */
  readonly #known = new Map<string, StoredFile>();
  /** The file whose chunks are coming: a big one is cut as it comes, a small one collected first. */
  #big: BigFile | undefined;
  readonly #collected: Buffer;
  #collectedBytes = 0;

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
    this.#writer = new OrderedWriter(pool, sink, position);
    this.#fragments = new FragmentWriter(pool, this.#writer, blockBytes);
    this.#blockBytes = blockBytes;
    this.#copyPossible = copyPossible;
    this.#zeros = Buffer.alloc(blockBytes);
    this.#collected = Buffer.alloc(blockBytes);
  }

  /** The end of the data, when it is finished. */
  get position(): number {
    return this.#writer.position;
  }

  /** Complete when the data is finished. */
  get fragments(): readonly FragmentEntry[] {
    return this.#fragments.entries;
  }

  /** Where the content of a file was put. Files of 0 bytes have none. */
  storedFile(node: FileNode): StoredFile | undefined {
    return this.#stored.get(node);
  }

  /** The next bytes of a file. Waits while too much is under way. */
  async push(node: FileNode, bytes: Uint8Array): Promise<void> {
    if (this.#writer.isStopped) throw new Error("the image is no longer written");
    if (node.sizeBytes < this.#blockBytes) {
      await this.#pushSmall(node, bytes);
      return;
    }
    const file = this.#bigFile(node);
    for (let used = 0; used < bytes.length;) {
      file.open ??= { slot: await this.#pool.takeSlot(), filled: 0 };
      const wanted = this.#blockLength(file);
      const piece = bytes.subarray(used, used + wanted - file.open.filled);
      file.open.slot.input.set(piece, file.open.filled);
      file.open.filled += piece.length;
      used += piece.length;
      if (file.open.filled === wanted) this.#cut(file, file.open);
    }
    this.#endIfDone(file);
  }

  /** The next bytes of a file are zeros: a hole, most likely. Whole blocks of them cost nothing. */
  async pushZeros(node: FileNode, count: number): Promise<void> {
    let left = count;
    if (node.sizeBytes >= this.#blockBytes) {
      const file = this.#bigFile(node);
      if (file.open !== undefined) {
        const fill = Math.min(left, this.#blockLength(file) - file.open.filled);
        await this.push(node, this.#zeros.subarray(0, fill));
        left -= fill;
      }
      for (let length = this.#blockLength(file); left > 0 && left >= length;) {
        this.#skip(file, length);
        left -= length;
        length = this.#blockLength(file);
      }
      this.#endIfDone(file);
    }
    if (left > 0) await this.push(node, this.#zeros.subarray(0, left));
  }

  /** Writes what is still under way. */
  async finish(): Promise<void> {
    this.#fragments.finish();
    await this.#writer.finish();
  }

  /** Writes nothing from now on, whoever still reads. */
  stop(): void {
    this.#writer.stop();
  }

  async #pushSmall(node: FileNode, bytes: Uint8Array): Promise<void> {
    let whole = bytes;
    if (bytes.length < node.sizeBytes) {
      this.#collected.set(bytes, this.#collectedBytes);
      this.#collectedBytes += bytes.length;
      if (this.#collectedBytes < node.sizeBytes) return;
      whole = this.#collected.subarray(0, node.sizeBytes);
      this.#collectedBytes = 0;
    }
    const place = await this.#fragments.put(whole, this.#copyPossible(node));
    this.#stored.set(node, {
      start: 0,
      blocks: noBlocks,
      fragment: place.fragment,
      fragmentOffset: place.offset,
      sparseBytes: 0,
    });
  }

  #bigFile(node: FileNode): BigFile {
    if (this.#big !== undefined) return this.#big;
    const stored: StoredFile = {
      start: 0,
      blocks: new Uint32Array(Math.ceil(node.sizeBytes / this.#blockBytes)),
      fragment: none,
      fragmentOffset: 0,
      sparseBytes: 0,
    };
    this.#stored.set(node, stored);
    const digest = this.#copyPossible(node) ? createHash("sha256") : undefined;
    this.#big = { node, stored, digest, blocks: 0, bytes: 0, open: undefined };
    return this.#big;
  }

  #blockLength(file: BigFile): number {
    return Math.min(this.#blockBytes, file.node.sizeBytes - file.bytes);
  }

  #cut(file: BigFile, { slot, filled }: { readonly slot: Slot; readonly filled: number }): void {
    file.open = undefined;
    if (slot.input.subarray(0, filled).equals(this.#zeros.subarray(0, filled))) {
      this.#pool.freeSlot(slot);
      this.#skip(file, filled);
      return;
    }
    const index = file.blocks;
    file.blocks += 1;
    file.bytes += filled;
    const { stored, digest } = file;
    this.#writer.add(slot, filled, digest !== undefined, ({ position, lengthWord, hash }) => {
      // Position 0 is the superblock's: no block was there yet.
      if (stored.start === 0) stored.start = position;
      stored.blocks[index] = lengthWord;
      // The number says where holes are, the hash what is between them.
      digest?.update(`${index} `).update(hash ?? "", "latin1");
    });
  }

  #skip(file: BigFile, length: number): void {
    file.stored.sparseBytes += length;
    file.blocks += 1;
    file.bytes += length;
  }

  #endIfDone(file: BigFile): void {
    if (this.#big !== file || file.bytes < file.node.sizeBytes) return;
    this.#big = undefined;
    const { digest, stored, node } = file;
    if (digest !== undefined) {
      this.#writer.afterwards(() => {
        if (stored.start > 0)
          this.#shareIfCopy(stored, `${node.sizeBytes} ${digest.digest("hex")}`);
      });
    }
  }

  /** A file that turns out to be a copy of an earlier one shares its blocks, and what was written is taken back. */
  #shareIfCopy(stored: StoredFile, key: string): void {
    const original = this.#known.get(key);
    if (original === undefined) {
      this.#known.set(key, stored);
      return;
    }
    // Nothing else was written since: fragment blocks are only handed over between files.
    this.#writer.rewind(stored.start);
    stored.start = original.start;
    stored.blocks = original.blocks;
  }
}

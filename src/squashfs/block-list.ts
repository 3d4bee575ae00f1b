import type { DecodedInode } from "./decode-inode.ts";
import { none, storedDataBit } from "./format.ts";
import type { StoredBlock } from "./squashfs-source.ts";
import { numbersForEachBlock } from "./verify-job.ts";

/** The blocks that files are made of, in a form that threads can share: numbers, and nothing for each small file. */
export class BlockList {
  readonly #blockSizeBytes: number;
  readonly #fragments: readonly StoredBlock[];
  /** Up to where each fragment block has to reach. */
  readonly #fragmentEnds: Float64Array;
  /** Files with blocks that were added: copies share their blocks. */
  readonly #known = new Set<string>();
  #numbers = new Float64Array(1024 * numbersForEachBlock);
  #length = 0;

  constructor(blockSizeBytes: number, fragments: readonly StoredBlock[]) {
    this.#blockSizeBytes = blockSizeBytes;
    this.#fragments = fragments;
    this.#fragmentEnds = new Float64Array(fragments.length);
  }

  add(file: Extract<DecodedInode, { type: "file" }>): void {
    if (file.fragment !== none) {
      const end = file.fragmentOffset + (file.sizeBytes % this.#blockSizeBytes);
      const known = this.#fragmentEnds[file.fragment] ?? 0;
      this.#fragmentEnds[file.fragment] = Math.max(known, end);
    }
    if (file.blocks.length === 0) return;
    const key = `${file.start} ${file.sizeBytes}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    let position = file.start;
    let left = file.sizeBytes;
    for (const word of file.blocks) {
      const lengthBytes = Math.min(this.#blockSizeBytes, left);
      left -= lengthBytes;
      if (word === 0) continue;
      this.#push(position, word, lengthBytes, lengthBytes);
      position += word % storedDataBit;
    }
  }

  /** All blocks of files, then all fragment blocks; four numbers each, as `verify-job.ts` says. */
  finish(): { readonly blocks: SharedArrayBuffer; readonly count: number } {
    for (const [index, { position, word }] of this.#fragments.entries()) {
      this.#push(position, word, this.#fragmentEnds[index] ?? 0, this.#blockSizeBytes);
    }
    const blocks = new SharedArrayBuffer(8 * this.#length);
    new Float64Array(blocks).set(this.#numbers.subarray(0, this.#length));
    return { blocks, count: this.#length / numbersForEachBlock };
  }

  #push(...numbers: readonly [number, number, number, number]): void {
    if (this.#length + numbers.length > this.#numbers.length) {
      const larger = new Float64Array(2 * this.#numbers.length);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers.set(numbers, this.#length);
    this.#length += numbers.length;
  }
}

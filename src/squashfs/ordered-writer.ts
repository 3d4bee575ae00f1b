import type { BlockPool, Slot } from "./block-pool.ts";
import { storedDataBit } from "./format.ts";

/** Takes the bytes of the image as they are written, one behind the other. */
export interface BlockSink {
  write(bytes: Uint8Array, position: number): void;
}

/** What became of a block. */
export interface WrittenBlock {
  readonly position: number;
  /** Its length as inodes and fragment tables have it, with the bit that says that it is not compressed. */
  readonly lengthWord: number;
  /** SHA-256 of what went in, where it was asked for. */
  readonly hash: string | undefined;
}

/** Something that waits for its turn. */
interface Pending {
  isReady: boolean;
  take: () => void;
}

/**
 * Has blocks compressed by other threads, in any order, and writes them in the order in which they came, so that an
 * image doesn't depend on who is how fast.
 */
export class OrderedWriter {
  readonly #pool: BlockPool;
  readonly #sink: BlockSink;
  readonly #pending: Pending[] = [];
  #next = 0;
  #position: number;
  #isStopped = false;
  #onIdle: (() => void) | undefined;

  /** @param position where the first block goes */
  constructor(pool: BlockPool, sink: BlockSink, position: number) {
    this.#pool = pool;
    this.#sink = sink;
    this.#position = position;
  }

  /** Where the next block goes; after `finish`, the end of the data. */
  get position(): number {
    return this.#position;
  }

  /** Hands over the first bytes of a slot. The slot is free again when the block is written. */
  add(
    slot: Slot,
    lengthBytes: number,
    wantsHash: boolean,
    onWritten: (block: WrittenBlock) => void,
  ): void {
    const pending: Pending = { isReady: false, take: () => {} };
    this.#pending.push(pending);
    this.#pool.compress(slot, lengthBytes, wantsHash, ({ compressedBytes, hash }) => {
      pending.take = () => {
        const position = this.#position;
        const bytes =
          compressedBytes === 0
            ? slot.input.subarray(0, lengthBytes)
            : slot.output.subarray(0, compressedBytes);
        this.#sink.write(bytes, position);
        this.#position += bytes.length;
        this.#pool.freeSlot(slot);
        const lengthWord = compressedBytes === 0 ? storedDataBit + lengthBytes : compressedBytes;
        onWritten({ position, lengthWord, hash });
      };
      pending.isReady = true;
      this.#takeReady();
    });
  }

  /** Does something when all that came before is written. */
  afterwards(action: () => void): void {
    this.#pending.push({ isReady: true, take: action });
    this.#takeReady();
  }

  /** What comes next overwrites what was written from the position on. For actions of `afterwards`. */
  rewind(position: number): void {
    this.#position = position;
  }

  /** Waits until all is written. */
  async finish(): Promise<void> {
    if (this.#pending.length > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Writes nothing from now on: the file may be closed, and its number another file's. */
  stop(): void {
    this.#isStopped = true;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  #takeReady(): void {
    if (this.#isStopped) return;
    for (let head = this.#pending[this.#next]; head?.isReady; head = this.#pending[this.#next]) {
      this.#next += 1;
      head.take();
    }
    if (this.#next === this.#pending.length || this.#next > 1000) {
      this.#pending.splice(0, this.#next);
      this.#next = 0;
    }
    if (this.#pending.length === 0) this.#onIdle?.();
  }
}

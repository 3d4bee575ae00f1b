import { hash } from "node:crypto";
import type { BlockPool, Slot } from "./block-pool.ts";
import { looksPacked } from "./looks-packed.ts";
import type { OrderedWriter } from "./ordered-writer.ts";

/** A fragment block, as its table has it. */
export interface FragmentEntry {
  readonly position: number;
  readonly lengthWord: number;
}

/** Where a small file is. */
export interface FragmentPlace {
  readonly fragment: number;
  readonly offset: number;
}

interface OpenFragment {
  readonly number: number;
  readonly slot: Slot;
  filled: number;
}

/** Puts files that are smaller than a block together into blocks, and each content only once. */
export class FragmentWriter {
  readonly #pool: BlockPool;
  readonly #writer: OrderedWriter;
  readonly #blockBytes: number;
  /** The blocks that are being filled: one for each kind of content. */
  readonly #open = new Map<boolean, OpenFragment>();
  readonly #known = new Map<string, FragmentPlace>();
  #count = 0;
  /** Complete when the writer is finished. */
  readonly entries: FragmentEntry[] = [];

  constructor(pool: BlockPool, writer: OrderedWriter, blockBytes: number) {
    this.#pool = pool;
    this.#writer = writer;
    this.#blockBytes = blockBytes;
  }

  /**
   * Finds a place for a file's bytes. Must not be called between two blocks of a bigger file, which have to lie one
   * behind the other.
   * @param copyPossible whether there may be another of the same content
   */
  async put(bytes: Uint8Array, copyPossible: boolean): Promise<FragmentPlace> {
    const key = copyPossible ? hash("sha256", bytes, "binary") : undefined;
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known !== undefined) return known;
    const open = await this.#withRoom(bytes);
    const place = { fragment: open.number, offset: open.filled };
    open.slot.input.set(bytes, open.filled);
    open.filled += bytes.length;
    if (key !== undefined) this.#known.set(key, place);
    return place;
  }

  /** Hands over the blocks that are not full yet. */
  finish(): void {
    for (const open of this.#open.values()) this.#close(open);
    this.#open.clear();
  }

  /**
   * A block with room for the bytes. What is packed already has blocks of its own: among texts it would take the place
   * of what the compressor could refer to.
   */
  async #withRoom(bytes: Uint8Array): Promise<OpenFragment> {
    const kind = looksPacked(bytes);
    const open = this.#open.get(kind);
    if (open !== undefined) {
      if (open.filled + bytes.length <= this.#blockBytes) return open;
      this.#open.delete(kind);
      this.#close(open);
    }
    const made = { number: this.#count, slot: await this.#pool.takeSlot(), filled: 0 };
    this.#count += 1;
    this.#open.set(kind, made);
    return made;
  }

  #close({ number, slot, filled }: OpenFragment): void {
    this.#writer.add(slot, filled, false, ({ position, lengthWord }) => {
      this.entries[number] = { position, lengthWord };
    });
  }
}

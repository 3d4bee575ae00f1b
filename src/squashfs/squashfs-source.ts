import { availableParallelism } from "node:os";
import type { Content, ContentSource, DataRange, Extent, ExtentChunk } from "../model/content.ts";
import { giveBack } from "../system/give-back.ts";
import type { DecodedInode } from "./decode-inode.ts";
import { none, storedDataBit } from "./format.ts";
import { inOrder } from "./in-order.ts";
import type { TableContext } from "./metadata-table.ts";

type DecodedFile = Extract<DecodedInode, { type: "file" }>;
type MutableContent = {
  -readonly [Key in keyof Extract<Content, { kind: "extent" }>]: Extract<
    Content,
    { kind: "extent" }
  >[Key];
};

/** A block as it is in the image. */
export interface StoredBlock {
  readonly position: number;
  /** Length, and the bit that says that it is not compressed. */
  readonly word: number;
}

interface StoredContent {
  readonly file: DecodedFile;
  readonly content: MutableContent;
  /** What it is sorted by: where its first byte is. */
  readonly order: number;
}

/** A stretch of a content. */
interface Piece extends ExtentChunk {
  /** Whether nothing else refers to the bytes. */
  readonly isOwn: boolean;
}

/** Pieces that other threads unpack while one is looked at. */
const piecesAtOnce = 2 + Math.min(14, availableParallelism());

/** Unpacked fragment blocks that are kept: files that lie in one are asked for one after the other. */
const keptFragments = 4;

/**
 * The contents of an image's files. Positions are made up: all distinct contents one behind the other, in the order in
 * which they lie in the image.
 */
export class SquashfsSource implements ContentSource {
  readonly name: string;
  readonly blockSizeBytes: number;
  readonly fragments: readonly StoredBlock[];
  readonly #context: TableContext;
  readonly #usedBytes: number;
  readonly #contents = new Map<string, StoredContent[]>();
  readonly #byPosition = new Map<number, StoredContent>();
  readonly #fragmentCache = new Map<number, Promise<Uint8Array>>();

  constructor(
    context: TableContext,
    blockSizeBytes: number,
    usedBytes: number,
    fragments: readonly StoredBlock[],
  ) {
    this.name = context.image.name;
    this.blockSizeBytes = blockSizeBytes;
    this.fragments = fragments;
    this.#context = context;
    this.#usedBytes = usedBytes;
  }

  /**
   * The content of a file; files that share their blocks share it. Its position is not known before `arrange`.
   * @throws {FormatError} `squashfs/damaged` when its blocks can't be
   */
  add(file: DecodedFile): Content {
    const key = `${file.start} ${file.sizeBytes} ${file.fragment} ${file.fragmentOffset}`;
    const sameKey = this.#contents.get(key) ?? [];
    const known = sameKey.find(({ file: { blocks } }) => equalBlocks(blocks, file.blocks));
    if (known !== undefined) return known.content;
    const data = this.check(file);
    let lengthBytes = 0;
    for (const range of data) lengthBytes += range.lengthBytes;
    const content: MutableContent = { kind: "extent", source: this, position: 0, lengthBytes };
    if (lengthBytes !== file.sizeBytes) {
      content.data = data;
      this.#context.budget.take(64 * data.length);
    }
    const hasBlocks = file.blocks.some((word) => word !== 0);
    const order = hasBlocks ? file.start : (this.fragments[file.fragment]?.position ?? 0);
    sameKey.push({ file, content, order });
    this.#contents.set(key, sameKey);
    this.#context.budget.take(300 + 4 * file.blocks.length);
    return content;
  }

  /** Gives all contents their positions. */
  arrange(): void {
    const all = [...this.#contents.values()].flat();
    all.sort((a, b) => a.order - b.order || a.file.fragmentOffset - b.file.fragmentOffset);
    let position = 0;
    for (const stored of all) {
      stored.content.position = position;
      if (stored.content.lengthBytes > 0) this.#byPosition.set(position, stored);
      position += stored.content.lengthBytes;
    }
    if (!Number.isSafeInteger(position)) {
      throw this.#context.image.damaged("its files are too big");
    }
  }

  async *read(wanted: readonly Extent[], signal?: AbortSignal): AsyncGenerator<ExtentChunk> {
    for await (const { index, bytes, isOwn } of inOrder(this.#pieces(wanted), piecesAtOnce)) {
      signal?.throwIfAborted();
      yield { index, bytes };
      if (isOwn) giveBack(bytes);
    }
  }

  /** What has to be done for each piece of the wanted contents. */
  *#pieces(wanted: readonly Extent[]): Generator<() => Promise<Piece>> {
    for (const [index, { position, lengthBytes }] of wanted.entries()) {
      if (lengthBytes === 0) continue;
      const stored = this.#byPosition.get(position);
      if (stored === undefined || stored.content.lengthBytes !== lengthBytes) {
        throw new Error(`${this.name} has no content of ${lengthBytes} bytes at ${position}`);
      }
      const { file } = stored;
      for (const block of this.#blocksOf(file)) yield () => this.#block(index, block);
      const tail = file.sizeBytes % this.blockSizeBytes;
      if (file.fragment !== none && tail > 0) yield () => this.#tail(index, file, tail);
    }
  }

  async #block(
    index: number,
    block: StoredBlock & { readonly lengthBytes: number },
  ): Promise<Piece> {
    const bytes = await this.#unpack(block);
    if (bytes.length !== block.lengthBytes) {
      throw this.#context.image.damaged(`the block at ${block.position} has another length`);
    }
    return { index, bytes, isOwn: true };
  }

  async #tail(index: number, file: DecodedFile, length: number): Promise<Piece> {
    const fragment = await this.#fragment(file.fragment);
    const bytes = fragment.subarray(file.fragmentOffset, file.fragmentOffset + length);
    if (bytes.length !== length) {
      throw this.#context.image.damaged(`fragment ${file.fragment} is too short`);
    }
    return { index, bytes, isOwn: false };
  }

  *#blocksOf(file: DecodedFile): Generator<StoredBlock & { readonly lengthBytes: number }> {
    let position = file.start;
    let left = file.sizeBytes;
    for (const word of file.blocks) {
      const lengthBytes = Math.min(this.blockSizeBytes, left);
      left -= lengthBytes;
      if (word === 0) continue;
      yield { position, word, lengthBytes };
      position += word % storedDataBit;
    }
  }

  #fragment(number: number): Promise<Uint8Array> {
    const known = this.#fragmentCache.get(number);
    if (known !== undefined) return known;
    const block = this.fragments[number];
    if (block === undefined) throw this.#context.image.damaged(`it has no fragment ${number}`);
    const bytes = this.#unpack(block);
    if (this.#fragmentCache.size >= keptFragments) {
      const [oldest] = this.#fragmentCache.keys();
      if (oldest !== undefined) this.#fragmentCache.delete(oldest);
    }
    this.#fragmentCache.set(number, bytes);
    return bytes;
  }

  async #unpack({ position, word }: StoredBlock): Promise<Uint8Array> {
    const { image, decompressElsewhere } = this.#context;
    // A copy: the bytes are those of a buffer that is used again.
    const stored = Buffer.from(image.read(position, word % storedDataBit));
    if (word >= storedDataBit) return stored;
    try {
      return await decompressElsewhere(stored, this.blockSizeBytes);
    } catch (error) {
      throw image.damaged(`the block at ${position} can't be unpacked`, error);
    }
  }

  /**
   * Refuses blocks that can't be, and gives the stretches of the file that are stored.
   * @throws {FormatError} `squashfs/damaged`
   */
  check(file: DecodedFile): DataRange[] {
    const { image } = this.#context;
    const data: DataRange[] = [];
    let offset = 0;
    let end = file.start;
    const add = (lengthBytes: number) => {
      const last = data.at(-1);
      if (last !== undefined && last.offset + last.lengthBytes === offset) {
        data[data.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes };
      } else data.push({ offset, lengthBytes });
    };
    for (const word of file.blocks) {
      const lengthBytes = Math.min(this.blockSizeBytes, file.sizeBytes - offset);
      const storedBytes = checkedLength(word, this.blockSizeBytes);
      if (storedBytes === undefined) throw image.damaged(`it has a block of ${word} bytes`);
      end += storedBytes;
      if (storedBytes > 0) add(lengthBytes);
      offset += lengthBytes;
    }
    if (end > this.#usedBytes) throw image.damaged("a file lies behind its end");
    const tail = file.sizeBytes - offset;
    if (file.fragment !== none) {
      if (file.fragment >= this.fragments.length) {
        throw image.damaged(`it has no fragment ${file.fragment}`);
      }
      if (file.fragmentOffset + tail > this.blockSizeBytes) {
        throw image.damaged("a file lies behind the end of its fragment");
      }
      if (tail > 0) add(tail);
    }
    return data;
  }
}

/** How many bytes a block takes in the image; undefined where it can't be. */
export function checkedLength(word: number, blockSizeBytes: number): number | undefined {
  const length = word % storedDataBit;
  return word >= 2 * storedDataBit || length > blockSizeBytes ? undefined : length;
}

function equalBlocks(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

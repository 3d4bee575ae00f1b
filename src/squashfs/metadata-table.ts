import type { Decompress } from "./decompressors.ts";
import { metadataBlockBytes, storedMetadataBit } from "./format.ts";
import type { ImageReader } from "./image-reader.ts";
import type { MemoryBudget } from "./memory-budget.ts";

/** What is needed to read tables. */
export interface TableContext {
  readonly image: ImageReader;
  readonly decompress: Decompress;
  /** For contents: several blocks at once. */
  readonly decompressElsewhere: Decompress;
  readonly budget: MemoryBudget;
}

/** A table of metadata blocks, unpacked. */
export class MetadataTable {
  readonly bytes: Buffer;
  /** Where reading ended: behind the last block. */
  readonly end: number;
  readonly #blocks: ReadonlyMap<number, number>;
  readonly #context: TableContext;
  readonly #what: string;

  private constructor(
    context: TableContext,
    what: string,
    bytes: Buffer,
    blocks: ReadonlyMap<number, number>,
    end: number,
  ) {
    this.#context = context;
    this.#what = what;
    this.bytes = bytes;
    this.#blocks = blocks;
    this.end = end;
  }

  /**
   * Reads the blocks from `start` on. The table ends at `end`, or before: at a block that is not full, or where there
   * is no block; what refers to places behind that is an error then.
   * @param what the table's name, for messages
   */
  static async read(
    context: TableContext,
    what: string,
    start: number,
    end: number,
  ): Promise<MetadataTable> {
    const { image, budget } = context;
    const blocks = new Map<number, number>();
    let bytes = Buffer.alloc(0);
    let length = 0;
    let position = start;
    while (position + 2 < end) {
      const block = await readBlock(context, position, end).catch(() => undefined);
      if (block === undefined) break;
      blocks.set(position - start, length);
      if (length + block.bytes.length > bytes.length) {
        budget.take(Math.max(65536, bytes.length));
        const larger = Buffer.allocUnsafeSlow(Math.max(65536, 2 * bytes.length));
        larger.set(bytes.subarray(0, length));
        bytes = larger;
      }
      bytes.set(block.bytes, length);
      length += block.bytes.length;
      position = block.end;
      if (block.bytes.length < metadataBlockBytes) break;
    }
    if (start > image.sizeBytes) throw image.damaged(`its ${what} is outside of it`);
    return new MetadataTable(context, what, bytes.subarray(0, length), blocks, position);
  }

  /**
   * Where in `bytes` a reference points to.
   * @throws {FormatError} `squashfs/damaged`
   */
  locate(block: number, offset: number): number {
    const start = this.#blocks.get(block);
    if (start === undefined || offset >= metadataBlockBytes) {
      throw this.#context.image.damaged(`its ${this.#what} has nothing at ${block}:${offset}`);
    }
    return start + offset;
  }

  /**
   * Some bytes of the table.
   * @throws {FormatError} `squashfs/damaged` when they are not all there
   */
  slice(at: number, length: number): Buffer {
    if (at + length > this.bytes.length) {
      throw this.#context.image.damaged(`its ${this.#what} ends too early`);
    }
    return this.bytes.subarray(at, at + length);
  }
}

/** A metadata block and where the next one begins. */
async function readBlock(
  { image, decompress }: TableContext,
  position: number,
  end: number,
): Promise<{ readonly bytes: Uint8Array; readonly end: number }> {
  const word = image.read(position, 2).readUInt16LE(0);
  const length = word % storedMetadataBit;
  const next = position + 2 + length;
  if (length === 0 || length > metadataBlockBytes || next > end) {
    throw image.damaged(`there is no metadata block at ${position}`);
  }
  const stored = image.read(position + 2, length);
  if (word >= storedMetadataBit) return { bytes: stored, end: next };
  let bytes: Uint8Array;
  try {
    bytes = await decompress(stored, metadataBlockBytes);
  } catch (error) {
    throw image.damaged(`the metadata block at ${position} can't be unpacked`, error);
  }
  if (bytes.length === 0) throw image.damaged(`the metadata block at ${position} is empty`);
  return { bytes, end: next };
}

/**
 * The records of a table that is looked up by number.
 * @param index position of the list of the table's blocks
 * @param bytes how long all records are together
 */
export async function readLookupTable(
  context: TableContext,
  what: string,
  index: number,
  bytes: number,
): Promise<{ readonly records: Buffer; readonly start: number; readonly end: number }> {
  const { image, budget } = context;
  const count = Math.ceil(bytes / metadataBlockBytes);
  if (index + 8 * count > image.sizeBytes) throw image.damaged(`its ${what} is outside of it`);
  budget.take(bytes);
  const positions = Array.from({ length: count }, (_, number) =>
    Number(image.read(index + 8 * number, 8).readBigUInt64LE(0)),
  );
  const records = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const position of positions) {
    const block = await readBlock(context, position, index);
    const expected = Math.min(metadataBlockBytes, bytes - at);
    if (block.bytes.length !== expected) throw image.damaged(`its ${what} has another length`);
    records.set(block.bytes, at);
    at += expected;
  }
  return { records, start: positions[0] ?? index, end: index + 8 * count };
}

import type { ByteString } from "../model/bytes-path.ts";
import { none, xattrPrefixes } from "./format.ts";
import { MetadataTable, readLookupTable, type TableContext } from "./metadata-table.ts";
import type { Xattrs } from "./xattr-table.ts";

/** In the type of a pair: the value is elsewhere. */
const elsewhereBit = 0x100;

/** The extended attributes of an image; `xattr-table.ts` has the layout. */
export class XattrReader {
  readonly #context: TableContext;
  readonly #pairs: MetadataTable;
  readonly #sets: Buffer;
  readonly #known = new Map<number, Xattrs | undefined>();
  /** Where the first block is, and the end of the index. */
  readonly start: number;
  readonly end: number;

  private constructor(
    context: TableContext,
    pairs: MetadataTable,
    sets: Buffer,
    start: number,
    end: number,
  ) {
    this.#context = context;
    this.#pairs = pairs;
    this.#sets = sets;
    this.start = start;
    this.end = end;
  }

  /** @param position of the table's header */
  static async read(context: TableContext, position: number): Promise<XattrReader> {
    const header = Buffer.from(context.image.read(position, 16));
    const start = Number(header.readBigUInt64LE(0));
    const what = "table of extended attributes";
    const sets = await readLookupTable(context, what, position + 16, 16 * header.readUInt32LE(8));
    if (start > sets.start) throw context.image.damaged(`its ${what} is in disorder`);
    const pairs = await MetadataTable.read(context, what, start, Math.min(sets.start, position));
    return new XattrReader(context, pairs, sets.records, start, sets.end);
  }

  /** The set of a number. The same number gives the same object. @throws {FormatError} `squashfs/damaged` */
  get(number: number): Xattrs | undefined {
    if (number === none) return undefined;
    if (this.#known.has(number)) return this.#known.get(number);
    const found = this.#read(number);
    this.#known.set(number, found);
    return found;
  }

  #read(number: number): Xattrs | undefined {
    const { image, budget } = this.#context;
    if (16 * number + 16 > this.#sets.length) {
      throw image.damaged(`it has no set ${number} of extended attributes`);
    }
    const set = this.#sets.subarray(16 * number, 16 * number + 16);
    const count = set.readUInt32LE(8);
    let at = this.#locate(set.readBigUInt64LE(0));
    const found = new Map<ByteString, Uint8Array>();
    for (let index = 0; index < count; index += 1) {
      const fixed = this.#pairs.slice(at, 4);
      const type = fixed.readUInt16LE(0);
      const nameLength = fixed.readUInt16LE(2);
      const name = this.#pairs.slice(at + 4, nameLength).toString("latin1");
      at += 4 + nameLength;
      const value = this.#value(at);
      at += 4 + value.length;
      const prefix = xattrPrefixes[type % elsewhereBit];
      if (prefix === undefined) continue;
      const isElsewhere = Math.floor(type / elsewhereBit) % 2 === 1;
      if (isElsewhere && value.length !== 8) {
        throw image.damaged("an extended attribute has no value");
      }
      const bytes = isElsewhere ? this.#value(this.#locate(value.readBigUInt64LE(0))) : value;
      budget.take(200 + name.length + bytes.length);
      found.set(prefix + name, Buffer.from(bytes));
    }
    return found.size === 0 ? undefined : found;
  }

  #value(at: number): Buffer {
    return this.#pairs.slice(at + 4, this.#pairs.slice(at, 4).readUInt32LE(0));
  }

  #locate(reference: bigint): number {
    return this.#pairs.locate(Number(reference / 65536n), Number(reference % 65536n));
  }
}

// Extended attributes. Inodes with the same set share one number:
//
//   pairs      metadata blocks: u16 prefix, u16 length, name without prefix, u32 length, value; one set after the other
//   sets       metadata blocks: u64 where the set's pairs begin, u32 how many pairs, u32 their bytes
//   header     u64 where the pairs begin, u32 number of sets, u32 zero     <- the superblock points here
//   index      u64 for each metadata block of the sets

import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { BlockCompressor } from "./compressor.ts";
import { limits, none, xattrPrefixes } from "./format.ts";
import { encodeLookupTable, type LookupTable } from "./lookup-table.ts";
import { MetadataWriter } from "./metadata-writer.ts";

export type Xattrs = ReadonlyMap<ByteString, Uint8Array>;

export class XattrTable {
  readonly #compressor: BlockCompressor;
  readonly #pairs: MetadataWriter;
  readonly #sets: Buffer[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #byObject = new Map<Xattrs, number>();
  readonly #onDropped: (path: ByteString, name: ByteString) => void;

  /** @param onDropped told of attributes that the format can't hold */
  constructor(
    compressor: BlockCompressor,
    onDropped: (path: ByteString, name: ByteString) => void,
  ) {
    this.#compressor = compressor;
    this.#pairs = new MetadataWriter(compressor);
    this.#onDropped = onDropped;
  }

  /**
   * The number of a set of attributes, or the one that stands for none.
   * @throws {FormatError} `squashfs/limit`
   */
  numberOf(xattrs: Xattrs | undefined, path: ByteString): number {
    if (xattrs === undefined || xattrs.size === 0) return none;
    const known = this.#byObject.get(xattrs);
    if (known !== undefined) return known;
    const number = this.#add(this.#encode(xattrs, path), path);
    this.#byObject.set(xattrs, number);
    return number;
  }

  #encode(xattrs: Xattrs, path: ByteString): Buffer[] {
    const pairs: Buffer[] = [];
    for (const [name, value] of [...xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const prefix = xattrPrefixes.findIndex((start) => name.startsWith(start));
      const start = xattrPrefixes[prefix];
      if (start === undefined || name.length === start.length) {
        this.#onDropped(path, name);
        continue;
      }
      const rest = name.slice(start.length);
      const pair = Buffer.alloc(8 + rest.length + value.length);
      pair.writeUInt16LE(prefix, 0);
      pair.writeUInt16LE(rest.length, 2);
      pair.write(rest, 4, "latin1");
      pair.writeUInt32LE(value.length, 4 + rest.length);
      pair.set(value, 8 + rest.length);
      pairs.push(pair);
    }
    return pairs;
  }

  #add(pairs: readonly Buffer[], path: ByteString): number {
    if (pairs.length === 0) return none;
    const bytes = Buffer.concat(pairs);
    const key = bytes.toString("latin1");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const { block, offset } = this.#pairs.position;
    if (block > limits.tableBytes) {
      throw new FormatError(
        "squashfs/limit",
        `/${displayName(path)} has more extended attributes than an image can hold`,
        { hint: "an image holds 4 GiB of them; remove what is not needed" },
      );
    }
    this.#pairs.append(bytes);
    const set = Buffer.alloc(16);
    set.writeBigUInt64LE(BigInt(block) * 65536n + BigInt(offset), 0);
    set.writeUInt32LE(pairs.length, 8);
    set.writeUInt32LE(bytes.length, 12);
    const number = this.#sets.length;
    this.#sets.push(set);
    this.#numbers.set(key, number);
    return number;
  }

  /**
   * The table, or undefined where nothing has attributes.
   * @param position where it will begin in the image
   */
  encode(position: number): LookupTable | undefined {
    if (this.#sets.length === 0) return undefined;
    const pairs = this.#pairs.finish();
    const table = encodeLookupTable(
      Buffer.concat(this.#sets),
      position + pairs.sizeBytes,
      this.#compressor,
    );
    const header = Buffer.alloc(16);
    header.writeBigUInt64LE(BigInt(position), 0);
    header.writeUInt32LE(this.#sets.length, 8);
    // The header stands between the blocks of the sets and their index, which is the last chunk.
    const chunks = [...pairs.chunks, ...table.chunks.slice(0, -1), header];
    const index = table.chunks.at(-1);
    return {
      chunks: index === undefined ? chunks : [...chunks, index],
      indexPosition: table.indexPosition,
      sizeBytes: pairs.sizeBytes + table.sizeBytes + header.length,
    };
  }
}

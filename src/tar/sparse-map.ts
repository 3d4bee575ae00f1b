// Where a sparse file has data. Four ways of telling it (GNU tar manual, "Storing Sparse Files"):
//
//   old GNU   type "S": four pairs of offset and length in the header, 21 more in each extension block after it
//   PAX 0.0   records GNU.sparse.offset and GNU.sparse.numbytes, over and over
//   PAX 0.1   record GNU.sparse.map=offset,length,offset,length…
//   PAX 1.0   lines of decimal numbers (count, offset, length, offset, length…) in blocks before the data
//
// The stored bytes are the stretches one after the other.

import type { ByteString } from "../model/bytes-path.ts";
import type { DataRange } from "../model/content.ts";
import { FormatError } from "../model/error.ts";
import { blockBytes, tarNumber } from "./tar-header.ts";

/** Longest map that is believed. Larger ones are only ever an attack on memory. */
const maxMapBytes = 16 * 1024 * 1024;

/** The numbers of a PAX 0.1 map. Anything that is not a number becomes NaN. */
export function paxSparseNumbers(map: ByteString): number[] {
  return map === "" ? [] : map.split(",").map(decimal);
}

/** Digits as a number, anything else as NaN. */
export function decimal(text: ByteString): number {
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

/** Gathers a map in PAX 1.0's form, block by block. */
export class SparseMapReader {
  #text = "";
  #lines = 0;
  #blocks = 0;

  /** Bytes of the map so far. */
  get lengthBytes(): number {
    return this.#blocks * blockBytes;
  }

  /** Takes the next block. Gives offset, length, offset, length… once the map is whole. */
  add(block: Buffer, where: string): number[] | undefined {
    this.#blocks++;
    for (let at = block.indexOf(10); at !== -1; at = block.indexOf(10, at + 1)) this.#lines++;
    this.#text += block.toString("latin1");
    const count = this.#lines === 0 ? 0 : decimal(this.#text.slice(0, this.#text.indexOf("\n")));
    if (Number.isNaN(count) || this.lengthBytes > maxMapBytes) throw badSparseMap(where);
    if (this.#lines < 2 * count + 1) return undefined;
    return this.#text
      .split("\n", 2 * count + 1)
      .slice(1)
      .map(decimal);
  }
}

/** Gathers a map in old GNU's form: the header's pairs and those of the blocks after it. */
export class GnuSparseMapReader {
  readonly numbers: number[] = [];

  /** Takes the pairs of a header. Says whether that is all. */
  addHeader(block: Buffer): boolean {
    this.#addPairs(block, 386, 4);
    return block[482] === 0;
  }

  /** Takes the pairs of an extension block. Says whether that is all. */
  addExtension(block: Buffer, where: string): boolean {
    this.#addPairs(block, 0, 21);
    // Each number came with 12 bytes.
    if (this.numbers.length * 12 > maxMapBytes) throw badSparseMap(where);
    return block[504] === 0;
  }

  #addPairs(block: Buffer, at: number, count: number): void {
    for (let from = at; from < at + 24 * count; from += 24) {
      // As GNU and BSD read it, an empty pair ends the list.
      if (block[from] === 0) break;
      this.numbers.push(tarNumber(block, from, 12), tarNumber(block, from + 12, 12));
    }
  }
}

/**
 * Checks and tidies a map: empty stretches are dropped, neighbours joined.
 * @param numbers offset, length, offset, length…
 * @param sizeBytes of the file with its holes
 * @param storedBytes what the archive holds of it
 * @returns undefined when there are no holes
 * @throws {FormatError} `tar/bad-sparse-map` when it is not ascending, leaves the file, or doesn't fit what is stored
 */
export function sparseRanges(
  numbers: readonly number[],
  sizeBytes: number,
  storedBytes: number,
  where: string,
): readonly DataRange[] | undefined {
  if (numbers.length % 2 !== 0) throw badSparseMap(where, "has an offset without a length");
  const ranges: { offset: number; lengthBytes: number }[] = [];
  let end = 0;
  let total = 0;
  for (let index = 0; index < numbers.length; index += 2) {
    const offset = numbers[index] as number;
    const lengthBytes = numbers[index + 1] as number;
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(lengthBytes) || lengthBytes < 0) {
      throw badSparseMap(where, "has a number that is none or is out of range");
    }
    if (offset < end || offset + lengthBytes > sizeBytes) {
      throw badSparseMap(where, "is not in order or goes beyond the file's end");
    }
    end = offset + lengthBytes;
    total += lengthBytes;
    const last = ranges.at(-1);
    if (lengthBytes === 0) continue;
    if (last !== undefined && last.offset + last.lengthBytes === offset) {
      last.lengthBytes += lengthBytes;
    } else ranges.push({ offset, lengthBytes });
  }
  if (total !== storedBytes) {
    throw badSparseMap(where, `speaks of ${total} bytes of data, and ${storedBytes} are stored`);
  }
  return total === sizeBytes ? undefined : ranges;
}

/** What to throw for a map that makes no sense. */
export function badSparseMap(where: string, what = "is malformed or too long"): FormatError {
  return new FormatError("tar/bad-sparse-map", `${where}: the map of a sparse file ${what}`, {
    hint: "the archive is damaged or was written by a faulty tool; fetch or make it again",
  });
}

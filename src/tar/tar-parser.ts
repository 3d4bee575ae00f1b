// Reads the headers of a tar archive that comes in pieces: POSIX ustar and pax, GNU, star and v7 (see tar-header.ts).
//
//   [global extended header g]  [extended header x | GNU long name L, long link K]  header  data, padded to 512  …
//   two blocks of zeros

import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import { mergedRecords, readPaxRecords, type PaxRecords } from "./pax-records.ts";
import {
  badSparseMap,
  decimal,
  GnuSparseMapReader,
  paxSparseNumbers,
  SparseMapReader,
  sparseRanges,
} from "./sparse-map.ts";
import { sizeOf, tarEntry, type TarEntry } from "./tar-entry.ts";
import { blockBytes, checked, readTarHeader, tarNumber, type TarHeader } from "./tar-header.ts";

export type { TarEntry } from "./tar-entry.ts";

export interface TarParserOptions {
  /** What the archive is called in messages: a layer's digest, a file's name. */
  readonly name?: string;
  /** Told every entry, in order, before the bytes after its header are looked at. What it throws ends the parsing. */
  readonly onEntry: (entry: TarEntry) => void;
}

/** Longest extended header or long name that is believed. Larger ones are only ever an attack on memory. */
const maxExtendedBytes = 16 * 1024 * 1024;
const noRecords: PaxRecords = new Map();

/**
 * A push parser: give it the uncompressed bytes in pieces of any size, then `end()`. It is synchronous, never holds
 * file contents, and trusts no length before the bytes are there.
 *
 * Extended attributes, names and link targets come as their bytes. Times are rounded down to seconds. The archive ends
 * at two blocks of zeros, or with its bytes; what follows the zeros is ignored, as Go's and GNU's readers do. ACL text
 * records of star (`SCHILY.acl.*`), user names and access times are ignored.
 * @throws {FormatError} `tar/truncated`, `tar/checksum`, `tar/bad-number`, `tar/bad-extended-header`,
 *   `tar/bad-sparse-map`, `tar/unknown-type`
 */
export class TarParser {
  readonly #name: string;
  readonly #onEntry: (entry: TarEntry) => void;
  /** Bytes of the archive that were consumed. */
  #position = 0;
  /** Bytes of data to pass over, which must be there, and of padding after them, which may be missing at the end. */
  #data = 0;
  #padding = 0;
  /** Otherwise `want` bytes are gathered, in `partial` where they come in pieces, for `taker` or as a header. */
  #want = blockBytes;
  #partial: Buffer | undefined;
  #have = 0;
  #taker: ((bytes: Buffer) => void) | undefined;
  #sawZeros = false;
  #ended = false;
  #globalRecords: PaxRecords = noRecords;
  /** Bytes of all global headers so far: what they say is kept to the end. */
  #globalBytes = 0;
  #records: PaxRecords | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;

  constructor(options: TarParserOptions) {
    this.#name = options.name ?? "tar archive";
    this.#onEntry = options.onEntry;
  }

  /** Bytes consumed so far. */
  get position(): number {
    return this.#position;
  }

  /** Takes the next bytes of the archive. They may be reused as soon as this returns. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      let used: number;
      if (this.#ended) used = left;
      else if (this.#data > 0) {
        used = Math.min(this.#data, left);
        this.#data -= used;
      } else if (this.#padding > 0) {
        used = Math.min(this.#padding, left);
        this.#padding -= used;
      } else if (this.#have === 0 && left >= this.#want) {
        used = this.#want;
        // The position counts what is taken: the data of the entry start there.
        this.#position += used;
        this.#take(bytes.subarray(at, at + used));
        at += used;
        continue;
      } else used = this.#gatherPart(bytes, at);
      this.#position += used;
      at += used;
      if (this.#partial !== undefined && this.#have === this.#want) {
        const whole = this.#partial;
        this.#partial = undefined;
        this.#have = 0;
        this.#take(whole);
      }
    }
  }

  /**
   * Says that there are no more bytes.
   * @throws {FormatError} `tar/truncated` when an entry is not whole
   */
  end(): void {
    if (this.#ended) return;
    const isPending =
      this.#taker !== undefined ||
      this.#records !== undefined ||
      this.#longName !== undefined ||
      this.#longLink !== undefined;
    if (this.#data > 0 || this.#have > 0 || isPending) {
      throw new FormatError(
        "tar/truncated",
        `${this.#name}: the tar archive ends in the middle of an entry, after ${this.#position} bytes`,
        { hint: "the file was cut off, or its size is a lie; fetch or make it again" },
      );
    }
    this.#ended = true;
  }

  /** Keeps what there is of the wanted bytes. Says how many that are. */
  #gatherPart(bytes: Buffer, at: number): number {
    // Grows with what comes, so that a claimed length alone takes no memory.
    const part = Math.min(this.#want - this.#have, bytes.length - at);
    const needed = this.#have + part;
    if (this.#partial === undefined || this.#partial.length < needed) {
      const larger = Buffer.alloc(Math.min(this.#want, Math.max(2 * needed, 4 * blockBytes)));
      this.#partial?.copy(larger, 0, 0, this.#have);
      this.#partial = larger;
    }
    bytes.copy(this.#partial, this.#have, at, at + part);
    this.#have = needed;
    return part;
  }

  #take(bytes: Buffer): void {
    const taker = this.#taker;
    this.#taker = undefined;
    this.#want = blockBytes;
    if (taker === undefined) this.#takeHeader(bytes);
    else taker(bytes);
  }

  /** Has the next bytes given to `taker`. */
  #gather(want: number, taker: (bytes: Buffer) => void): void {
    this.#want = want;
    this.#taker = taker;
    if (want === 0) this.#take(Buffer.alloc(0));
  }

  /** Passes over bytes of data and their padding. */
  #skip(sizeBytes: number): void {
    this.#data = sizeBytes;
    this.#padding = padded(sizeBytes) - sizeBytes;
  }

  #takeHeader(block: Buffer): void {
    const at = this.#position - blockBytes;
    const where = () => `${this.#name}, byte ${at}`;
    const header = readTarHeader(block, where);
    if (header === undefined) {
      if (this.#sawZeros) this.#ended = true;
      this.#sawZeros = true;
      return;
    }
    if (this.#sawZeros) {
      // Passing over a lone block of zeros would be as wrong as ending there: readers differ, so files would be lost.
      throw new FormatError(
        "tar/checksum",
        `${where()}: only one block of zeros comes before this entry, where two end the archive`,
        { hint: "the archive is damaged; fetch or make it again" },
      );
    }
    const { type } = header;
    if (type === "x" || type === "X" || type === "g" || type === "L" || type === "K") {
      this.#startExtended(header, where);
    } else if (type === "V") {
      // GNU's label of the volume.
      this.#skip(sizeOf(header, noRecords, where));
    } else this.#startEntry(block, header);
  }

  #startExtended(header: TarHeader, where: () => string): void {
    if (header.type === "g") this.#globalBytes += header.size;
    if (header.size < 0 || Math.max(header.size, this.#globalBytes) > maxExtendedBytes) {
      throw new FormatError(
        "tar/bad-extended-header",
        `${where()}: an extended header of ${header.size} bytes is not believable`,
        { hint: `the longest that is read is ${maxExtendedBytes} bytes` },
      );
    }
    this.#gather(padded(header.size), (bytes) => {
      const body = bytes.subarray(0, header.size);
      if (header.type === "L") this.#longName = untilNul(body);
      else if (header.type === "K") this.#longLink = untilNul(body);
      else if (header.type === "g") {
        this.#globalRecords = mergedRecords(this.#globalRecords, readPaxRecords(body, where()));
      } else this.#records = readPaxRecords(body, where());
    });
  }

  #startEntry(block: Buffer, header: TarHeader): void {
    const records = mergedRecords(this.#globalRecords, this.#records);
    const long = { name: this.#longName, link: this.#longLink };
    const entry = tarEntry(header, records, long, this.#position, this.#name);
    this.#records = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;

    const isFile = entry.type === "file";
    if (isFile && header.type === "S" && header.isGnu) this.#startGnuSparse(block, entry);
    else if (isFile && records.size > 0 && isPaxSparse(records)) {
      this.#startPaxSparse(records, entry);
    } else {
      this.#skip(entry.storedBytes);
      this.#onEntry(isFile ? entry : { ...entry, sizeBytes: 0, storedBytes: 0 });
    }
  }

  #startGnuSparse(block: Buffer, entry: TarEntry): void {
    const where = `${this.#name}, ${displayName(entry.path)}`;
    const sizeBytes = checked(tarNumber(block, 483, 12), "size", () => where);
    const map = new GnuSparseMapReader();
    const next = (isLast: boolean) => {
      if (isLast) this.#endSparse(entry, sizeBytes, map.numbers, entry.storedBytes, where);
      else this.#gather(blockBytes, (more) => next(map.addExtension(more, where)));
    };
    next(map.addHeader(block));
  }

  #startPaxSparse(records: PaxRecords, entry: TarEntry): void {
    const where = `${this.#name}, ${displayName(entry.path)}`;
    const size = records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size") ?? "";
    const sizeBytes = checked(decimal(size), "size", () => where);
    const { storedBytes } = entry;
    if (records.get("GNU.sparse.major") !== "1") {
      const numbers = paxSparseNumbers(records.get("GNU.sparse.map") ?? "");
      this.#endSparse(entry, sizeBytes, numbers, storedBytes, where);
      return;
    }
    const map = new SparseMapReader();
    const next = (numbers: number[] | undefined) => {
      const left = storedBytes - map.lengthBytes;
      if (numbers !== undefined) this.#endSparse(entry, sizeBytes, numbers, left, where);
      else if (left < blockBytes) throw badSparseMap(where, "is cut short");
      else this.#gather(blockBytes, (more) => next(map.add(more, where)));
    };
    next(undefined);
  }

  /** Tells a sparse file, once its map is read. */
  #endSparse(
    entry: TarEntry,
    sizeBytes: number,
    numbers: readonly number[],
    storedBytes: number,
    where: string,
  ): void {
    const data = sparseRanges(numbers, sizeBytes, storedBytes, where);
    this.#skip(storedBytes);
    this.#onEntry({ ...entry, sizeBytes, storedBytes, dataOffset: this.#position, data });
  }
}

const padded = (sizeBytes: number) => Math.ceil(sizeBytes / blockBytes) * blockBytes;

/** Formats 0.0 and 0.1 have a map, or for a file of nothing but a hole its count of 0; 1.0 has a version. */
const isPaxSparse = (records: PaxRecords) =>
  records.has("GNU.sparse.map") ||
  records.has("GNU.sparse.numblocks") ||
  records.get("GNU.sparse.major") === "1";

function untilNul(body: Buffer): ByteString {
  const end = body.indexOf(0);
  return body.toString("latin1", 0, end === -1 ? body.length : end);
}

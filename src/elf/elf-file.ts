// What the dynamic linker needs to know of an ELF file (System V ABI, gABI 4.1 chapters 4 and 5):
//
//   0  7f "ELF", class 1 = 32 bit, 2 = 64 bit, data 1 = little endian, 2 = big endian, padding to 16
//   16 type 2, machine 2, version 4, then entry, program headers' offset, section headers' offset (4 or 8 each),
//      flags 4, sizes and counts 2 each
//   program headers: PT_LOAD maps file to memory, PT_INTERP names the loader, PT_DYNAMIC is a list of tag and value;
//      values that are addresses or string offsets are found in the file through PT_LOAD

import type { ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";

/** Reads a stretch of a file. Gives fewer bytes only where the file ends. */
export type ReadAt = (offset: number, lengthBytes: number) => Uint8Array;

export interface ElfFile {
  readonly bits: 32 | 64;
  readonly isLittleEndian: boolean;
  /** `e_machine`. */
  readonly machine: number;
  /** The loader that the kernel starts, of a dynamically linked program. */
  readonly interpreter: ByteString | undefined;
  /** `DT_NEEDED`, in order. */
  readonly needed: readonly ByteString[];
  readonly soname: ByteString | undefined;
  /** Colon-separated folders, with `$ORIGIN` and the like still in them. */
  readonly rpath: ByteString | undefined;
  readonly runpath: ByteString | undefined;
  /** `DF_1_NODEFLIB`: only paths that the file itself names are searched. */
  readonly noDefaultFolders: boolean;
}

const programHeaderTypes = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tags = {
  end: 0,
  needed: 1,
  strings: 5,
  stringsSize: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
} as const;
const noDefaultLibraries = 0x800;

// Real files stay far below these; a hostile one may not make us read for hours.
const maxProgramHeaders = 4096;
const maxDynamicBytes = 1024 * 1024;
const maxTextBytes = 4096;
const maxNeeded = 10_000;

/** Whether bytes begin like an ELF file. */
export function isElf(start: Uint8Array): boolean {
  return start[0] === 0x7f && start[1] === 0x45 && start[2] === 0x4c && start[3] === 0x46;
}

/**
 * Reads what the dynamic linker reads of an ELF program or library.
 * @returns undefined for a file that is no ELF file
 * @throws {FormatError} `elf/damaged` for one whose parts don't fit together
 */
export function readElf(read: ReadAt, name: string): ElfFile | undefined {
  const start = read(0, 64);
  if (!isElf(start)) return undefined;
  return new Reader(read, start, name).read();
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

class Reader {
  readonly #read: ReadAt;
  readonly #start: Uint8Array;
  readonly #name: string;
  readonly #is64: boolean;
  readonly #isLittle: boolean;

  constructor(read: ReadAt, start: Uint8Array, name: string) {
    this.#read = read;
    this.#start = start;
    this.#name = name;
    this.#is64 = start[4] === 2;
    this.#isLittle = start[5] === 1;
    const isSound = (start[4] === 1 || this.#is64) && (start[5] === 2 || this.#isLittle);
    if (!isSound || start.length < (this.#is64 ? 64 : 52)) throw this.#damaged("its header");
  }

  read(): ElfFile {
    const segments = this.#segments();
    const find = (type: number) => segments.find((segment) => segment.type === type);
    const interpreter = find(programHeaderTypes.interpreter);
    const dynamic = this.#dynamic(find(programHeaderTypes.dynamic));
    const stringsAt = dynamic.find(([tag]) => tag === tags.strings)?.[1];
    const stringsSize = dynamic.find(([tag]) => tag === tags.stringsSize)?.[1] ?? 0;
    const text = (offset: number): ByteString => {
      if (stringsAt === undefined || offset >= stringsSize) throw this.#damaged("its string table");
      const place = this.#fileOffset(segments, stringsAt + offset);
      return this.#text(place, Math.min(maxTextBytes, stringsSize - offset));
    };
    const one = (wanted: number) => {
      const value = dynamic.find(([tag]) => tag === wanted)?.[1];
      return value === undefined ? undefined : text(value);
    };
    const needed = dynamic.filter(([tag]) => tag === tags.needed);
    if (needed.length > maxNeeded) throw this.#damaged("its list of libraries");
    const flags = dynamic.find(([tag]) => tag === tags.flags1)?.[1] ?? 0;
    return {
      bits: this.#is64 ? 64 : 32,
      isLittleEndian: this.#isLittle,
      machine: this.#number(this.#start, 18, 2),
      interpreter:
        interpreter &&
        this.#text(interpreter.offset, Math.min(maxTextBytes, interpreter.sizeBytes)),
      needed: needed.map(([, value]) => text(value)),
      soname: one(tags.soname),
      rpath: one(tags.rpath),
      runpath: one(tags.runpath),
      // Bits of a number that may have more than 32.
      noDefaultFolders: Math.floor(flags / noDefaultLibraries) % 2 === 1,
    };
  }

  #segments(): Segment[] {
    const offset = this.#is64 ? this.#number(this.#start, 32, 8) : this.#number(this.#start, 28, 4);
    const sizeBytes = this.#number(this.#start, this.#is64 ? 54 : 42, 2);
    const count = this.#number(this.#start, this.#is64 ? 56 : 44, 2);
    if (count === 0) return [];
    if (sizeBytes < (this.#is64 ? 56 : 32) || count > maxProgramHeaders) {
      throw this.#damaged("its program headers");
    }
    const bytes = this.#whole(offset, count * sizeBytes, "its program headers");
    return Array.from({ length: count }, (_, index) => {
      const at = index * sizeBytes;
      const word = (at64: number, at32: number) =>
        this.#is64 ? this.#number(bytes, at + at64, 8) : this.#number(bytes, at + at32, 4);
      return {
        type: this.#number(bytes, at, 4),
        offset: word(8, 4),
        address: word(16, 8),
        sizeBytes: word(32, 16),
      };
    });
  }

  #dynamic(segment: Segment | undefined): [tag: number, value: number][] {
    if (segment === undefined) return [];
    const wordBytes = this.#is64 ? 8 : 4;
    const length = segment.sizeBytes - (segment.sizeBytes % (2 * wordBytes));
    if (length > maxDynamicBytes) throw this.#damaged("its dynamic section");
    const bytes = this.#whole(segment.offset, length, "its dynamic section");
    const entries: [number, number][] = [];
    for (let at = 0; at < length; at += 2 * wordBytes) {
      const tag = this.#number(bytes, at, wordBytes);
      if (tag === tags.end) break;
      entries.push([tag, this.#number(bytes, at + wordBytes, wordBytes)]);
    }
    return entries;
  }

  #fileOffset(segments: readonly Segment[], address: number): number {
    const inside = segments.find(
      (segment) =>
        segment.type === programHeaderTypes.load &&
        address >= segment.address &&
        address < segment.address + segment.sizeBytes,
    );
    if (inside === undefined) throw this.#damaged("an address");
    return inside.offset + (address - inside.address);
  }

  #text(offset: number, maxBytes: number): ByteString {
    if (!Number.isSafeInteger(offset)) throw this.#damaged("an offset");
    const bytes = this.#read(offset, maxBytes);
    const end = bytes.indexOf(0);
    if (end === -1) throw this.#damaged("a text");
    return Buffer.from(bytes.buffer, bytes.byteOffset, end).toString("latin1");
  }

  #whole(offset: number, lengthBytes: number, what: string): Uint8Array {
    if (!Number.isSafeInteger(offset)) throw this.#damaged(what);
    const bytes = this.#read(offset, lengthBytes);
    if (bytes.length < lengthBytes) throw this.#damaged(what);
    return bytes;
  }

  /** An unsigned number. Those over 2⁵³ come out inexact, which no valid offset or tag that we look for is. */
  #number(bytes: Uint8Array, at: number, length: 2 | 4 | 8): number {
    let value = 0;
    for (let index = 0; index < length; index++) {
      const byte = bytes[this.#isLittle ? at + length - 1 - index : at + index] ?? 0;
      value = value * 256 + byte;
    }
    return value;
  }

  #damaged(what: string): FormatError {
    return new FormatError("elf/damaged", `${this.#name} is damaged: ${what} can't be right`, {
      hint: "install the program or library again",
    });
  }
}

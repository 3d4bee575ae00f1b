// Builds tar archives field by field, so that they can be as odd as they come.

import { TarParser, type TarEntry } from "../../src/tar/tar-parser.ts";

type Text = string | Uint8Array;
const bytes = (text: Text) => (typeof text === "string" ? Buffer.from(text, "latin1") : text);

export interface HeaderFields {
  readonly name?: Text;
  /** Type character; "\0" is what v7 wrote for files. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly mtime?: number;
  readonly linkName?: Text;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: Text;
  readonly magic?: "ustar" | "gnu" | "star" | "v7";
  /** Bytes put in last, by their place: whatever else is wanted. */
  readonly raw?: Readonly<Record<number, Text>>;
  /** What stands in the checksum field; right if not given. */
  readonly checksum?: string;
  /** Sum signed characters, like old writers. */
  readonly signedSum?: boolean;
}

/** One header block. */
export function header(fields: HeaderFields): Buffer {
  const { magic = "ustar" } = fields;
  const block = Buffer.alloc(512);
  const put = (at: number, text: Text) => block.set(bytes(text), at);
  const octal = (at: number, length: number, value: number) =>
    put(at, `${value.toString(8).padStart(length - 1, "0")}\0`);
  put(0, fields.name ?? "x");
  octal(100, 8, fields.mode ?? 0o644);
  octal(108, 8, fields.uid ?? 0);
  octal(116, 8, fields.gid ?? 0);
  octal(124, 12, fields.size ?? 0);
  octal(136, 12, fields.mtime ?? 0);
  put(156, fields.type ?? "0");
  put(157, fields.linkName ?? "");
  if (magic !== "v7") {
    put(257, magic === "gnu" ? "ustar  \0" : "ustar\x0000");
    octal(329, 8, fields.major ?? 0);
    octal(337, 8, fields.minor ?? 0);
    put(345, fields.prefix ?? "");
    if (magic === "star") put(508, "tar\0");
  }
  for (const [at, text] of Object.entries(fields.raw ?? {})) put(Number(at), text);
  if (fields.checksum !== undefined) put(148, fields.checksum);
  else {
    block.fill(" ", 148, 156);
    const signs = fields.signedSum === true ? [...new Int8Array(block)] : [...block];
    const sum = signs.reduce((total, byte) => total + byte, 0);
    put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  }
  return block;
}

/** Bytes with zeros up to the next multiple of 512. */
export function padded(data: Text): Buffer {
  const from = bytes(data);
  const block = Buffer.alloc(Math.ceil(from.length / 512) * 512);
  block.set(from);
  return block;
}

/** A header with its data; the size is theirs if not given. */
export function entry(fields: HeaderFields, data: Text = ""): Buffer {
  return Buffer.concat([header({ size: bytes(data).length, ...fields }), padded(data)]);
}

/** One record of an extended header, with its right length. */
export function record(keyword: Text, value: Text): Buffer {
  const rest = Buffer.concat([bytes(" "), bytes(keyword), bytes("="), bytes(value), bytes("\n")]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([bytes(String(length)), rest]);
}

/** An extended header: `x` for the next entry, `g` for all that follow. */
export function pax(records: readonly (readonly [Text, Text])[], type = "x"): Buffer {
  const body = Buffer.concat(records.map(([keyword, value]) => record(keyword, value)));
  return entry({ name: "pax", type }, body);
}

/** GNU's entry for a long name (`L`) or link target (`K`). */
export function gnuLong(type: "L" | "K", text: Text): Buffer {
  return entry(
    { name: "././@LongLink", type, magic: "gnu" },
    Buffer.concat([bytes(text), bytes("\0")]),
  );
}

/** A number in base-256, for `raw`. */
export function base256(value: bigint, length: number): Buffer {
  const field = Buffer.alloc(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest >>= 8n)
    field[at] = Number(rest & 0xffn);
  field[0] = ((field[0] ?? 0) & 0x7f) | 0x80;
  return field;
}

/** A whole archive with its two blocks of zeros. */
export function archive(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** All entries of an archive that is given in pieces of some size. */
export function parse(tar: Uint8Array, pieceBytes = tar.length): TarEntry[] {
  const entries: TarEntry[] = [];
  const parser = new TarParser({ name: "test.tar", onEntry: (entry) => entries.push(entry) });
  for (let at = 0; at < tar.length; at += pieceBytes) {
    parser.push(tar.subarray(at, at + pieceBytes));
  }
  parser.end();
  return entries;
}

/** The only entry of an archive. */
export function parseOne(...parts: readonly Uint8Array[]): TarEntry {
  const entries = parse(archive(...parts));
  const [only] = entries;
  if (only === undefined || entries.length !== 1) throw new Error(`${entries.length} entries`);
  return only;
}

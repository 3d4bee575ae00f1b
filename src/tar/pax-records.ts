// Extended headers (POSIX.1-2001 "pax Header Block"): a run of records
//
//   "LENGTH KEYWORD=VALUE\n"     LENGTH in decimal counts the whole record, itself included
//
// Values are bytes; line feeds, NULs and anything else may be in them.

import type { ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import { badSparseMap, decimal } from "./sparse-map.ts";

/** Keyword → value, both as byte strings. An empty value takes back what another header said. */
export type PaxRecords = ReadonlyMap<ByteString, ByteString>;

const digit0 = 0x30;
const blank = 0x20;
const lineFeed = 0x0a;
const equalsSign = 0x3d;

/**
 * The records of an extended header. The pairs `GNU.sparse.offset` and `GNU.sparse.numbytes` (sparse format 0.0), the
 * only keywords that repeat, are joined into one `GNU.sparse.map` as format 0.1 writes it.
 * @throws {FormatError} `tar/bad-extended-header`
 */
export function readPaxRecords(body: Buffer, where: string): PaxRecords {
  const records = new Map<ByteString, ByteString>();
  const sparse: ByteString[] = [];
  let at = 0;
  while (at < body.length) {
    const start = at;
    let length = 0;
    for (; at < body.length; at++) {
      const digit = (body[at] as number) - digit0;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const end = start + length;
    const equals = body.indexOf(equalsSign, at);
    if (
      body[at] !== blank ||
      end > body.length ||
      equals === -1 ||
      equals <= at + 1 ||
      equals >= end - 1 ||
      body[end - 1] !== lineFeed
    ) {
      throw new FormatError(
        "tar/bad-extended-header",
        `${where}: a record of the extended header is malformed`,
        { hint: "the archive is damaged or was written by a faulty tool; fetch or make it again" },
      );
    }
    const keyword = body.toString("latin1", at + 1, equals);
    const value = body.toString("latin1", equals + 1, end - 1);
    if (keyword === "GNU.sparse.offset" || keyword === "GNU.sparse.numbytes") {
      const wanted = sparse.length % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes";
      if (keyword !== wanted) {
        throw badSparseMap(where, "has an offset without a length");
      }
      sparse.push(value);
    } else records.set(keyword, value);
    at = end;
  }
  if (sparse.length > 0) records.set("GNU.sparse.map", sparse.join(","));
  return records;
}

/** Records of two headers, where the second overrules the first. */
export function mergedRecords(under: PaxRecords, over: PaxRecords | undefined): PaxRecords {
  if (over === undefined) return under;
  return under.size === 0 ? over : new Map([...under, ...over]);
}

/** What a record says (NaN if that is no number), else what the header says. An empty record gives way to the header. */
export function paxInteger(records: PaxRecords, keyword: string, otherwise: number): number {
  const text = records.size === 0 ? undefined : records.get(keyword);
  if (text === undefined || text === "") return otherwise;
  return text.startsWith("-") ? 0 - decimal(text.slice(1)) : decimal(text);
}

/** The same for a time with a fraction, in whole seconds rounded down. */
export function paxTime(records: PaxRecords, keyword: string, otherwise: number): number {
  const text = records.size === 0 ? undefined : records.get(keyword);
  if (text === undefined || text === "") return otherwise;
  return /^-?[0-9]+(?:\.[0-9]*)?$/.test(text) ? Math.floor(Number(text)) : Number.NaN;
}

/**
 * The extended attributes among the records: `SCHILY.xattr.NAME` holds the bytes as they are, `LIBARCHIVE.xattr.NAME`
 * (bsdtar) the name percent-encoded and the value in base64. Where both are there the former counts, as everything but
 * bsdtar reads only that. GNU tar writes `%` and `=` of a name as `%25` and `%3D`.
 */
export function xattrsOf(records: PaxRecords): ReadonlyMap<ByteString, Uint8Array> | undefined {
  let found: Map<ByteString, Uint8Array> | undefined;
  for (const [keyword, value] of records) {
    if (keyword.startsWith("SCHILY.xattr.")) {
      const name = keyword
        .slice("SCHILY.xattr.".length)
        .replaceAll("%3D", "=")
        .replaceAll("%25", "%");
      found ??= new Map();
      found.set(name, Buffer.from(value, "latin1"));
    } else if (keyword.startsWith("LIBARCHIVE.xattr.")) {
      const name = percentDecoded(keyword.slice("LIBARCHIVE.xattr.".length));
      found ??= new Map();
      if (!records.has(`SCHILY.xattr.${name}`)) found.set(name, Buffer.from(value, "base64"));
    }
  }
  return found;
}

function percentDecoded(text: ByteString): ByteString {
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

// JSON as Go's encoder writes it. Tools compare and cut these texts, so they are the same byte for byte.

import { bytesOf, type ByteString } from "../model/bytes-path.ts";

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

// One character of valid UTF-8 (RFC 3629, table 3-7 of Unicode) or else a single byte.
const character =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\s\S]/g;

/**
 * A JSON string in quotes. Besides what JSON demands, Go escapes `<`, `>`, `&`, U+2028 and U+2029, so that the text may
 * stand inside HTML; a byte that is not UTF-8 becomes `\ufffd`.
 */
export function goString(text: ByteString): string {
  return `"${text.replaceAll(character, goCharacter)}"`;
}

function goCharacter(bytes: ByteString): string {
  if (bytes.length > 1) {
    const decoded = bytesOf(bytes).toString("utf8");
    return decoded === "\u2028" ? "\\u2028" : decoded === "\u2029" ? "\\u2029" : decoded;
  }
  if (bytes >= "\x80") return "\\ufffd";
  if (bytes >= " " && !'"\\<>&'.includes(bytes)) return bytes;
  return short[bytes] ?? `\\u${bytes.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** An object of strings, its keys in the order of their bytes: on one line, or indented by tabs over several. */
export function goObject(
  members: ReadonlyMap<ByteString, ByteString>,
  style: "compact" | "indented",
): string {
  if (members.size === 0) return "{}";
  const [open, colon, comma, close] =
    style === "compact" ? ["{", ":", ",", "}"] : ["{\n\t", ": ", ",\n\t", "\n}"];
  const lines = sorted(members).map(([key, value]) => goString(key) + colon + goString(value));
  return open + lines.join(comma) + close;
}

/** The entries of a map in the order of their keys' bytes, as Go writes maps. */
export function sorted<V>(members: ReadonlyMap<ByteString, V>): [ByteString, V][] {
  return [...members].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

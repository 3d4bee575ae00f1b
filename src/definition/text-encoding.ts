import type { TextEncoding } from "../model/definition.ts";

// Apptainer does not decode definition files: whatever bytes come in go out. To read a file that is no valid UTF-8 as
// text all the same, each byte that does not fit stands as a lone surrogate, U+DC00 plus the byte, while we parse; and
// whatever leaves the parser is turned into one character for each byte (latin1).

export interface DecodedText {
  readonly encoding: TextEncoding;
  readonly text: string;
}

/** The text of a file. A byte order mark stays, because Apptainer takes it for a character of the first word. */
export function decodeText(source: Uint8Array | string): DecodedText {
  if (typeof source === "string") return { encoding: "utf8", text: source };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(source);
    return { encoding: "utf8", text };
  } catch {
    return { encoding: "latin1", text: decodeWithEscapes(source) };
  }
}

/** A piece of a decoded text as the rest of the program knows it: such that its encoding gives the file's bytes. */
export function leaveText(text: string, encoding: TextEncoding): string {
  if (encoding === "utf8") return text;
  const parts = text.split(/([\udc00-\udcff])/u);
  return parts
    .map((part, index) =>
      index % 2 === 1
        ? String.fromCharCode(part.charCodeAt(0) - 0xdc00)
        : Buffer.from(part, "utf8").toString("latin1"),
    )
    .join("");
}

/** What has left (`leaveText`) as the text that it was. */
export function enterText(text: string, encoding: TextEncoding): string {
  return encoding === "utf8" ? text : decodeWithEscapes(Buffer.from(text, encoding));
}

function decodeWithEscapes(bytes: Uint8Array): string {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const parts: string[] = [];
  let start = 0;
  let at = 0;
  const flush = () => {
    if (at > start) parts.push(strict.decode(bytes.subarray(start, at)));
  };
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    flush();
    parts.push(String.fromCharCode(0xdc00 + (bytes[at] ?? 0)));
    at++;
    start = at;
  }
  flush();
  return parts.join("");
}

/** How many bytes the UTF-8 sequence at the offset has, 0 if there is no valid one (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const between = (index: number, low: number, high: number) => {
    const byte = bytes[at + index] ?? 0;
    return byte >= low && byte <= high;
  };
  const tail = (index: number) => between(index, 0x80, 0xbf);
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const low = first === 0xe0 ? 0xa0 : 0x80;
    const high = first === 0xed ? 0x9f : 0xbf;
    return between(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const low = first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xf4 ? 0x8f : 0xbf;
    return between(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

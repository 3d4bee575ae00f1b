// Reading zstd as a row of frames (RFC 8878). Node 24's decompressor stops after the first frame without a word, and
// layers of several frames, or with skippable ones between, are what zstd:chunked and parallel compressors write. So the
// frames are cut apart here, by their block headers alone, and each is given to a decompressor of its own.
//
//   frame      magic FD2FB528  descriptor  [window]  [dictionary id]  [content size]  block…  [checksum]
//   block      3 bytes: bit 0 last, bits 1-2 type (0 raw, 1 RLE, 2 compressed), bits 3-23 size; then its bytes
//   skippable  magic 184D2A50 to 184D2A5F, 4 bytes length, as many bytes

import { createZstdDecompress, zstdDecompressSync } from "node:zlib";
import { decompressorOptions, transformed } from "./transformed.ts";

const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;

/** Frames up to this size are decompressed in one call: a stream for each of 100 000 small ones would be slow. */
const smallFrameBytes = 256 * 1024;
/** What a small frame may grow to in one call; one that grows more is streamed. */
const smallFrameOutputBytes = 4 * 1024 * 1024;

/** A stretch of input that belongs to one frame. */
interface Piece {
  readonly kind: "start" | "more" | "end";
  readonly bytes: Uint8Array;
}

/** The content of all frames, in order. Throws plain errors for input that is cut short or damaged. */
export async function* readZstd(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = cutFrames(chunks)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const first = await pieces.next();
      if (first.done === true) return;
      yield* readFrame(first.value, pieces);
    }
  } finally {
    await pieces.return?.(undefined);
  }
}

async function* readFrame(
  first: Piece,
  pieces: AsyncIterator<Piece>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const start = [first.bytes];
  let bytes = first.bytes.length;
  let ended = false;
  while (!ended && bytes <= smallFrameBytes) {
    const next = await pieces.next();
    // Cutting throws at input that is cut short, so a frame that has begun has an end.
    if (next.done === true) break;
    start.push(next.value.bytes);
    bytes += next.value.bytes.length;
    ended = next.value.kind === "end";
  }
  if (ended && bytes <= smallFrameBytes) {
    const whole = decompressSmall(Buffer.concat(start));
    if (whole !== undefined) {
      if (whole.length > 0) yield whole;
      return;
    }
  }
  yield* transformed(restOfFrame(start, ended, pieces), createZstdDecompress(decompressorOptions));
}

async function* restOfFrame(
  start: readonly Uint8Array[],
  ended: boolean,
  pieces: AsyncIterator<Piece>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* start;
  while (!ended) {
    const next = await pieces.next();
    if (next.done === true) return;
    yield next.value.bytes;
    ended = next.value.kind === "end";
  }
}

/** The content, or undefined where it is too large for one call. */
function decompressSmall(frame: Buffer): Buffer | undefined {
  try {
    return zstdDecompressSync(frame, { maxOutputLength: smallFrameOutputBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}

/** What comes next in the input. */
type State = "magic" | "header" | "block" | "data" | "checksum" | "skip-length" | "skip";

/** Walks frame and block headers. Skippable frames are left out. */
async function* cutFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Piece, void> {
  /** Bytes of a header that has not arrived whole. */
  let held: Buffer = Buffer.alloc(0);
  let state: State = "magic";
  let need = 4;
  let isLast = false;
  let hasChecksum = false;
  const after = (): State => (isLast ? (hasChecksum ? "checksum" : "magic") : "block");

  for await (const chunk of chunks) {
    let input = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    while (input.length > 0) {
      // Contents pass through in whatever pieces they come.
      if (state === "data" || state === "checksum" || state === "skip") {
        const part = input.subarray(0, need);
        input = input.subarray(part.length);
        need -= part.length;
        const next: State = need > 0 ? state : state === "data" ? after() : "magic";
        if (state !== "skip") yield { kind: next === "magic" ? "end" : "more", bytes: part };
        if (need === 0) {
          state = next;
          need = next === "block" ? 3 : 4;
        }
        continue;
      }
      // Headers are gathered until they are whole.
      const part = input.subarray(0, need - held.length);
      held = held.length === 0 ? part : Buffer.concat([held, part]);
      input = input.subarray(part.length);
      if (held.length < need) continue;
      if (state === "magic") {
        const magic = held.readUInt32LE(0);
        if (magic === frameMagic) {
          state = "header";
          need = 5;
          continue;
        }
        if (magic - (magic % 16) !== skippableMagic) throw new Error("unknown zstd frame");
        state = "skip-length";
      } else if (state === "skip-length") {
        need = held.readUInt32LE(0);
        state = need > 0 ? "skip" : "magic";
        if (need === 0) need = 4;
        held = Buffer.alloc(0);
        continue;
      } else if (state === "header") {
        const descriptor = held.readUInt8(4);
        const whole = headerBytes(descriptor);
        if (held.length < whole) {
          need = whole;
          continue;
        }
        hasChecksum = (descriptor & 4) !== 0;
        yield { kind: "start", bytes: Buffer.from(held) };
        state = "block";
        need = 3;
      } else {
        const header = held.readUIntLE(0, 3);
        isLast = (header & 1) === 1;
        const type = (header >> 1) & 3;
        if (type === 3) throw new Error("reserved zstd block type");
        need = type === 1 ? 1 : header >> 3;
        state = need > 0 ? "data" : after();
        yield { kind: state === "magic" ? "end" : "more", bytes: Buffer.from(held) };
        if (need === 0) need = state === "block" ? 3 : 4;
      }
      held = Buffer.alloc(0);
    }
  }
  if (state !== "magic" || held.length > 0) throw new Error("unexpected end of zstd data");
}

/** Length of a frame's header with its magic, as the descriptor byte says it. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryId + contentSize;
}

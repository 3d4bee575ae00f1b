import { createGunzip } from "node:zlib";
import { readZstd } from "./zstd-frames.ts";
import { decompressorOptions, transformed } from "./transformed.ts";

export type Compression = "none" | "gzip" | "zstd" | "xz" | "bzip2";

/** Bytes that `detectCompression` wants to see, if there are as many. */
export const signatureBytes = 6;

/** What a file is compressed with, by its first bytes; names and stated types are not to be believed. */
export function detectCompression(start: Uint8Array): Compression {
  const hex = Buffer.from(start.subarray(0, signatureBytes)).toString("hex");
  if (hex.startsWith("1f8b08")) return "gzip";
  if (hex.startsWith("28b52ffd") || /^5[0-9a-f]2a4d18/.test(hex)) return "zstd";
  if (hex.startsWith("fd377a585a00")) return "xz";
  if (/^425a683[1-9]/.test(hex)) return "bzip2";
  return "none";
}

/**
 * The uncompressed bytes of a compressed file, all its gzip members or zstd frames. Throws plain errors at damage; who
 * asks knows what to call the file.
 * @param onTaken told of chunks of which no more use is made, where that can be known
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  onTaken?: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (compression) {
    case "none":
      yield* chunks;
      return;
    case "gzip":
      yield* transformed(chunks, createGunzip(decompressorOptions), onTaken);
      return;
    case "zstd":
      yield* readZstd(chunks);
      return;
    case "xz": {
      const { default: xz } = await import("xz-decompress");
      const stream: ReadableStream<Uint8Array> = new xz.XzReadableStream(
        ReadableStream.from(chunks),
      );
      const reader = stream.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          yield value;
        }
      } finally {
        // Where all has come and not all was read, it can't be cancelled without an error.
        await reader.cancel().catch(() => undefined);
      }
    }
    case "bzip2":
      throw new Error("bzip2 can't be read here");
  }
}

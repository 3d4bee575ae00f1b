import { UsageError } from "../model/error.ts";

interface CompressionFlags {
  readonly compress?: string;
  readonly blockSize?: number;
  readonly mksquashfsArgs?: string;
}

export interface CompressionChoice {
  /** As `--compress` takes it. */
  readonly compression: string;
  readonly blockSizeBytes: number | undefined;
  /** Words of `--mksquashfs-args` that mean nothing to our own writer. */
  readonly ignored: readonly string[];
}

/**
 * How to compress: `--compress`, or what `--mksquashfs-args` says of it, which definitions' build scripts already pass.
 * @throws {UsageError} `usage/compression`
 */
export function compressionFlags(flags: CompressionFlags): CompressionChoice {
  const words = (flags.mksquashfsArgs ?? "").split(/\s+/).filter((word) => word !== "");
  let compressor: string | undefined;
  let level: string | undefined;
  let block: number | undefined;
  const ignored: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    const value = words[at + 1];
    if (["-comp", "-Xcompression-level", "-b"].includes(word) && value !== undefined) {
      if (word === "-comp") compressor = value;
      else if (word === "-b") block = blockOf(value);
      else level = value;
      at += 1;
    } else ignored.push(word);
  }
  if (compressor !== undefined && !["gzip", "zstd"].includes(compressor)) {
    throw new UsageError(
      "usage/compression",
      `--mksquashfs-args -comp ${compressor}: tsbuild does not write it`,
      {
        hint: "use gzip, which every runtime reads, or zstd",
      },
    );
  }
  const fromArguments =
    compressor === undefined && level === undefined
      ? undefined
      : `${compressor ?? "gzip"}${level === undefined ? "" : `:${level}`}`;
  return {
    compression: flags.compress ?? fromArguments ?? "balanced",
    blockSizeBytes: flags.blockSize ?? block,
    ignored,
  };
}

/** Bytes as `131072`, `128K` or `1M`: a power of two from 4 KiB to 1 MiB, all that SquashFS takes; else undefined. */
export function parseBlockSize(text: string): number | undefined {
  const parts = /^(\d+)([KkMm]?)$/.exec(text);
  const unit = { "": 1, k: 1024, m: 1024 * 1024 }[(parts?.[2] ?? "").toLowerCase()] ?? 1;
  const bytes = Number(parts?.[1]) * unit;
  return bytes >= 4096 && bytes <= 1024 * 1024 && Number.isInteger(Math.log2(bytes))
    ? bytes
    : undefined;
}

function blockOf(text: string): number {
  const bytes = parseBlockSize(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(
    "usage/compression",
    `--mksquashfs-args -b ${text} is no power of two from 4K to 1M`,
    {
      hint: "256K is the usual block size",
    },
  );
}

import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { Digest } from "../cache/digest.ts";
import { readContents } from "../contents/read-contents.ts";
import { HostError } from "../model/error.ts";
import type { Listener } from "../model/event.ts";
import type { FileNode } from "../model/node.ts";
import { ByteProgress } from "../oci/progress.ts";
import { outputChunkBytes, transformed } from "../oci/transformed.ts";
import { tarOf } from "../tar/tar-writer.ts";
import type { FileTree } from "../tree/file-tree.ts";

export interface LayerCompression {
  readonly name: "gzip" | "zstd";
  readonly level?: number | undefined;
}

/** A tree as one layer, in a file. */
export interface LayerFile {
  readonly file: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
  /** Of the uncompressed archive. */
  readonly diffId: Digest;
}

/**
 * Writes a tree to a file as a layer of an OCI image. The same tree gives the same bytes.
 * @param folder where the file is made; its owner removes it
 * @throws {HostError} `host/no-space`, `host/temporary-folder`; and what reading the contents throws
 */
export async function writeLayer(
  tree: FileTree,
  folder: string,
  compression: LayerCompression,
  options: { readonly listener: Listener; readonly signal: AbortSignal },
): Promise<LayerFile> {
  const { listener, signal } = options;
  const progress = new ByteProgress(listener, "make layer", sizeOf(tree));
  const [diffHash, hash] = [createHash("sha256"), createHash("sha256")];
  let sizeBytes = 0;
  const archive = async function* () {
    let done = 0;
    const read = async function* (node: FileNode) {
      for await (const bytes of bytesOf(node, signal)) {
        progress.at((done += bytes.length));
        yield bytes;
      }
    };
    for await (const bytes of tarOf(tree, read)) {
      diffHash.update(bytes);
      yield bytes;
    }
  };
  const compressed = async function* () {
    for await (const bytes of transformed(gathered(archive()), compressorOf(compression))) {
      signal.throwIfAborted();
      hash.update(bytes);
      sizeBytes += bytes.length;
      yield bytes;
    }
  };
  const file = join(folder, "layer.tar");
  try {
    await pipeline(compressed, createWriteStream(file, { flags: "wx", mode: 0o600 }));
  } catch (error) {
    throw writeError(error, folder);
  }
  const name = (made: typeof hash) => `sha256:${made.digest("hex")}`;
  return { file, sizeBytes, digest: name(hash), diffId: name(diffHash) };
}

function compressorOf({ name, level }: LayerCompression) {
  if (name === "gzip") return createGzip({ level: level ?? 6, chunkSize: outputChunkBytes });
  return createZstdCompress({
    chunkSize: outputChunkBytes,
    params: { [constants.ZSTD_c_compressionLevel]: level ?? 3 },
  });
}

const zeros = new Uint8Array(1024 * 1024);

/** A file's bytes, in pieces that stay valid: the compressor works on them later. */
async function* bytesOf(node: FileNode, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of readContents([node], signal)) {
    if (chunk.bytes !== undefined) yield Buffer.from(chunk.bytes);
    else {
      for (let left = chunk.zeros; left > 0; left -= zeros.length) {
        yield zeros.subarray(0, Math.min(left, zeros.length));
      }
    }
  }
}

const gatherBytes = 256 * 1024;

/** Headers and small files are gathered: each piece is a round through the compressor's thread. */
async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes < gatherBytes) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}

/** Bytes of all files, those of hard links once. */
function sizeOf(tree: FileTree): number {
  const files = new Set<FileNode>();
  for (const { node } of tree.walk()) if (node.type === "file") files.add(node);
  let bytes = 0;
  for (const { sizeBytes } of files) bytes += sizeBytes;
  return bytes;
}

function writeError(error: unknown, folder: string): unknown {
  const { code, syscall = "", message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || !["open", "write", "close"].includes(syscall)) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new HostError("host/no-space", `there is no space left in ${folder} for the layer`, {
      hint: "make room, or name another folder with --tmpdir",
      cause: error,
    });
  }
  return new HostError("host/temporary-folder", `cannot write to ${folder}: ${message}`, {
    hint: "name another folder with --tmpdir",
    cause: error,
  });
}

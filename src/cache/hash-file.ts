import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { hasherOf, type Digest } from "./digest.ts";
import { openUnnoticed } from "./open-unnoticed.ts";

const readBytes = 1024 * 1024;

/** The hash of a blob's file in hex, or undefined where it can't be read. That doesn't count as a use of it. */
export async function hashFile(file: string, digest: Digest): Promise<string | undefined> {
  const hash = hasherOf(digest);
  try {
    await using handle = await openUnnoticed(file);
    await addToHash(hash, handle);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

/** Adds all that an open file holds to a hash, and says how many bytes that was. @throws the system's errors */
export async function addToHash(hash: Hash, handle: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(readBytes);
  for (let bytes = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, readBytes, bytes);
    if (bytesRead === 0) return bytes;
    hash.update(buffer.subarray(0, bytesRead));
    bytes += bytesRead;
  }
}

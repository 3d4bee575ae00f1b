import { access, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { hashFile } from "./blob-cache.ts";
import { digestParts } from "./digest.ts";
import { removeEntry } from "./clean-cache.ts";
import { listCache, type CacheEntry } from "./list-cache.ts";
import { parseTag } from "./tag-memory.ts";

export interface Verified {
  readonly checked: number;
  readonly checkedBytes: number;
  readonly damaged: readonly CacheEntry[];
}

/**
 * Reads all of a cache and removes what is damaged: blobs by their digests, indexes by their checksums, tags by their
 * form. Unfinished downloads and compiled code are left alone.
 * @param onProgress told how many bytes of how many have been read
 * @throws {HostError} `cache/not-removable`
 */
export async function verifyCache(
  cacheFolder: string,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<Verified> {
  const entries = (await listCache(cacheFolder)).filter(
    ({ kind }) => kind !== "part" && kind !== "code",
  );
  const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const damaged: CacheEntry[] = [];
  let done = 0;
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    options.onProgress?.(done, total);
    if (!(await isGood(entry))) {
      // Damaged as it is, a build that reads it finds out by itself.
      await removeEntry(cacheFolder, entry);
      damaged.push(entry);
    }
    done += entry.sizeBytes;
  }
  options.onProgress?.(total, total);
  return { checked: entries.length, checkedBytes: total, damaged };
}

async function isGood(entry: CacheEntry): Promise<boolean> {
  if (entry.kind === "blob") {
    const hex = await hashFile(entry.file, entry.name);
    return hex === digestParts(entry.name).hex || (await isMissing(entry.file));
  }
  const bytes = await readFile(entry.file).catch(() => undefined);
  if (bytes === undefined) return isMissing(entry.file);
  if (entry.kind === "tag") return parseTag(bytes.toString("utf8")) !== undefined;
  return promisify(zstdDecompress)(bytes).then(
    () => true,
    () => false,
  );
}

/** Whether another process has removed it, so that there is nothing to find fault with. */
const isMissing = (file: string) =>
  access(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );

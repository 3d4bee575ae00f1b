import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { digestParts } from "./digest.ts";
import { hashFile } from "./hash-file.ts";
import { removeEntry } from "./clean-cache.ts";
import { isDownload, listCache, type CacheEntry } from "./list-cache.ts";
import { readRootRecord } from "./root-cache.ts";
import { listRoot } from "./root-listing.ts";
import { parseTag } from "./tag-memory.ts";

export interface Verified {
  readonly checked: number;
  readonly checkedBytes: number;
  readonly damaged: readonly CacheEntry[];
}

/**
 * Reads all of a cache and removes what is damaged: blobs by their digests, indexes by their checksums, tags by their
 * form, roots by what the file system says of each of their files. Unfinished downloads, compiled code, and roots of other
 * user namespaces are left alone.
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
    ({ kind, isForeign }) => kind !== "part" && kind !== "code" && isForeign !== true,
  );
  const total = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const damaged: CacheEntry[] = [];
  let done = 0;
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    options.onProgress?.(done, total);
    if (!(await isGood(entry, options.signal))) {
      // Damaged as it is, a build that reads it finds out by itself.
      await removeEntry(cacheFolder, entry);
      damaged.push(entry);
    }
    done += entry.sizeBytes;
  }
  options.onProgress?.(total, total);
  return { checked: entries.length, checkedBytes: total, damaged };
}

async function isGood(entry: CacheEntry, signal: AbortSignal | undefined): Promise<boolean> {
  if (entry.kind === "root")
    return (await isWholeRoot(entry.file, signal)) || isMissing(entry.file);
  if (isDownload(entry.kind)) {
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

async function isWholeRoot(folder: string, signal: AbortSignal | undefined): Promise<boolean> {
  const record = await readRootRecord(folder);
  if (record === undefined) return false;
  const found = await listRoot(join(folder, "rootfs"), { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  return found?.digest === record.listing.digest;
}

/** Whether another process has removed it, so that there is nothing to find fault with. */
const isMissing = (file: string) =>
  access(file).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );

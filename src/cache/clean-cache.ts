// Taking things out of a cache that builds may be using at the same moment, on this machine or another.

import { randomBytes } from "node:crypto";
import { link, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { HostError } from "../model/error.ts";
import { leasedBlobs } from "./cache-lease.ts";
import { digestParts } from "./digest.ts";
import { removeAbandonedRoots, removeRoot } from "./root-cache.ts";
import { isDownload, listCache, type CacheEntry, type CacheKind } from "./list-cache.ts";

export interface CleanOptions {
  readonly kinds: readonly CacheKind[];
  /** Only what was last used before this time, in milliseconds since 1970. */
  readonly usedBeforeMs?: number | undefined;
  /** Remove nothing, only say what would be. */
  readonly isDryRun?: boolean | undefined;
}

export interface Cleaned {
  readonly removed: readonly CacheEntry[];
  /** What would have been removed if no running build used it, or if it weren't of another user namespace. */
  readonly kept: readonly CacheEntry[];
}

/**
 * Removes what is not in use.
 * @throws {HostError} `cache/not-removable`
 */
export async function cleanCache(cacheFolder: string, options: CleanOptions): Promise<Cleaned> {
  const wanted = (await listCache(cacheFolder)).filter(
    ({ kind, usedMs }) =>
      options.kinds.includes(kind) &&
      (options.usedBeforeMs === undefined || usedMs < options.usedBeforeMs),
  );
  const removed: CacheEntry[] = [];
  const kept: CacheEntry[] = [];
  for (const entry of wanted) {
    const isRemovable = !entry.isInUse && entry.isRemovable !== false;
    const isRemoved =
      isRemovable && (options.isDryRun === true || (await removeEntry(cacheFolder, entry)));
    (isRemoved ? removed : kept).push(entry);
  }
  if (options.kinds.includes("root") && options.isDryRun !== true) {
    await removeAbandonedRoots(cacheFolder);
  }
  return { removed, kept };
}

/**
 * Brings a cache down to a size: the blobs and roots whose last use is longest ago go first, blobs with what is known of
 * their contents. What running builds use stays, so more than `maxBytes` may be left; roots that only another user
 * namespace can remove are as good as not there. Never fails.
 * @returns what was removed
 */
export async function trimCache(
  cacheFolder: string,
  maxBytes: number,
  options: { readonly isDryRun?: boolean | undefined } = {},
): Promise<CacheEntry[]> {
  const removed: CacheEntry[] = [];
  if (maxBytes === Infinity) return removed;
  const entries = (await listCache(cacheFolder)).filter(
    ({ kind, isRemovable }) =>
      ["blob", "sif", "index", "root"].includes(kind) && isRemovable !== false,
  );
  let bytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const indexes = new Map(
    entries.filter(({ kind }) => kind === "index").map((entry) => [entry.name, entry]),
  );
  const candidates = entries.filter(({ kind }) => kind !== "index");
  for (const candidate of candidates.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= maxBytes) break;
    if (candidate.isInUse) continue;
    const index = candidate.kind === "blob" ? indexes.get(candidate.name) : undefined;
    for (const entry of index === undefined ? [candidate] : [candidate, index]) {
      const isRemoved =
        options.isDryRun === true || (await removeEntry(cacheFolder, entry).catch(() => false));
      if (!isRemoved) break;
      bytes -= entry.sizeBytes;
      removed.push(entry);
    }
  }
  return removed;
}

/**
 * Removes one entry and says whether it did. A blob or root is first moved aside; if a build has taken a lease on it meanwhile it is
 * put back, which is in time for builds that take the lease before they look for the blob.
 */
export async function removeEntry(cacheFolder: string, entry: CacheEntry): Promise<boolean> {
  if (entry.kind === "root") return removeRoot(cacheFolder, basename(entry.file));
  try {
    if (!isDownload(entry.kind)) {
      await rm(entry.file, { force: true });
      return true;
    }
    const { hex } = digestParts(entry.name);
    const incoming = join(cacheFolder, "blobs-v1", "incoming");
    const aside = join(incoming, `${hex}-${randomBytes(6).toString("hex")}`);
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    await rename(entry.file, aside);
    const isLeased = (await leasedBlobs(cacheFolder)).has(entry.name);
    // Not over another one that has come meanwhile.
    if (isLeased) await link(aside, entry.file).catch(() => undefined);
    await rm(aside, { force: true });
    return !isLeased;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    throw new HostError("cache/not-removable", `cannot remove ${entry.file}: ${message}`, {
      cause: error,
      hint: `check that you may write to ${dirname(entry.file)}`,
    });
  }
}

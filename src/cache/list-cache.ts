import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { leasedBlobs } from "./cache-lease.ts";
import { isDigest } from "./digest.ts";
import { parseTag } from "./tag-memory.ts";

/**
 * `blob` a download, `index` what is in a layer, `tag` what a tag stood for, `part` an unfinished download, `code` the
 * program's own compiled code.
 */
export const cacheKinds = ["blob", "index", "tag", "part", "code"] as const;
export type CacheKind = (typeof cacheKinds)[number];

export interface CacheEntry {
  readonly kind: CacheKind;
  /** The digest of a blob or of the blob that an index is of, a tag's image, a part's file name. */
  readonly name: string;
  readonly file: string;
  readonly sizeBytes: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedMs: number;
  /** Whether a running build uses it. */
  readonly isInUse: boolean;
}

/** A download that was written to more recently is under way. */
const partIdleMs = 10 * 60_000;

/** All that a cache holds, in no order. What disappears meanwhile is left out; a folder that is missing holds nothing. */
export async function listCache(cacheFolder: string): Promise<CacheEntry[]> {
  const leased = await leasedBlobs(cacheFolder);
  const entries: CacheEntry[] = [];
  const add = async (
    kind: CacheKind,
    file: string,
    about: (times: { readonly mtimeMs: number }) => Promise<Pick<CacheEntry, "name" | "isInUse">>,
  ) => {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) return;
    // Only blobs have an access time that is set on purpose.
    const usedMs = kind === "blob" ? Math.max(found.atimeMs, found.mtimeMs) : found.mtimeMs;
    entries.push({ kind, file, sizeBytes: found.size, usedMs, ...(await about(found)) });
  };
  for (const [kind, root] of [
    ["blob", "blobs-v1"],
    ["index", "layer-indexes-v1"],
  ] as const) {
    for (const algorithm of await namesIn(join(cacheFolder, root))) {
      if (algorithm === "incoming") continue;
      const folder = join(cacheFolder, root, algorithm);
      for (const hex of await namesIn(folder)) {
        const name = `${algorithm}:${hex}`;
        if (isDigest(name)) {
          await add(kind, join(folder, hex), async () => ({ name, isInUse: leased.has(name) }));
        }
      }
    }
  }
  const incoming = join(cacheFolder, "blobs-v1", "incoming");
  for (const name of await namesIn(incoming)) {
    await add("part", join(incoming, name), async ({ mtimeMs }) => ({
      name,
      isInUse: Date.now() - mtimeMs < partIdleMs,
    }));
  }
  const tags = join(cacheFolder, "tags-v1");
  for (const hash of await namesIn(tags)) {
    const file = join(tags, hash);
    await add("tag", file, async () => ({
      name: parseTag(await readFile(file, "utf8").catch(() => ""))?.name ?? hash,
      isInUse: false,
    }));
  }
  const code = join(cacheFolder, "code");
  for (const name of await readdir(code, { recursive: true }).catch(() => [])) {
    const found = await stat(join(code, name)).catch(() => undefined);
    if (found?.isFile() !== true) continue;
    await add("code", join(code, name), async () => ({ name, isInUse: false }));
  }
  return entries;
}

const namesIn = (folder: string) => readdir(folder).catch(() => []);

import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { leasedBlobs } from "./cache-lease.ts";
import { isDigest } from "./digest.ts";
import { isSifFile } from "./is-sif-file.ts";
import { isLeftBehind, namesIn } from "./incoming-file.ts";
import { readRootRecord, rootDigest, rootRights, rootsOf } from "./root-cache.ts";
import { serverTimeMs } from "./server-clock.ts";
import { parseTag } from "./tag-memory.ts";

/**
 * `blob` a download, `sif` one that is a SIF file, `index` what is in a layer, `root` an unpacked base, `tag` what a tag stood for, `part` an unfinished
 * download, `code` the program's own compiled code.
 */
export const cacheKinds = ["blob", "sif", "index", "root", "tag", "part", "code"] as const;
export type CacheKind = (typeof cacheKinds)[number];

/** Whether entries of a kind are downloads, named by the digest of what they hold. */
export const isDownload = (kind: CacheKind) => kind === "blob" || kind === "sif";

export interface CacheEntry {
  readonly kind: CacheKind;
  /** The digest of a blob or of the blob that an index is of, the image of a tag or root, a part's file name. */
  readonly name: string;
  /** A root's folder. */
  readonly file: string;
  /** A root's on disk. */
  readonly sizeBytes: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedMs: number;
  /** Whether a running build uses it. */
  readonly isInUse: boolean;
  /** Whether it takes another user namespace to look into it. */
  readonly isForeign?: boolean;
  /** Whether it takes no other one to remove it; so it is if nothing is said. */
  readonly isRemovable?: boolean;
}

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
    const usedMs = isDownload(kind) ? Math.max(found.atimeMs, found.mtimeMs) : found.mtimeMs;
    entries.push({ kind, file, sizeBytes: found.size, usedMs, ...(await about(found)) });
  };
  const addRoot = async (file: string, key: string) => {
    const record = await readRootRecord(file);
    const { mayLook, mayRemove } = await rootRights(file, record);
    const used = await stat(join(file, "root.json")).catch(() => undefined);
    entries.push({
      kind: "root",
      name: record?.name ?? key,
      file,
      sizeBytes: record?.listing.sizeBytes ?? 0,
      usedMs: used?.mtimeMs ?? 0,
      isInUse: leased.has(rootDigest(key)),
      isForeign: !mayLook,
      isRemovable: mayRemove,
    });
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
          const file = join(folder, hex);
          const held = kind === "blob" && (await isSifFile(file)) ? "sif" : kind;
          await add(held, file, async () => ({ name, isInUse: leased.has(name) }));
        }
      }
    }
  }
  for (const key of await namesIn(rootsOf(cacheFolder))) {
    if (isDigest(rootDigest(key))) await addRoot(join(rootsOf(cacheFolder), key), key);
  }
  const incoming = join(cacheFolder, "blobs-v1", "incoming");
  const parts = await namesIn(incoming);
  const nowMs = parts.length === 0 ? 0 : await serverTimeMs(incoming);
  for (const name of parts) {
    await add("part", join(incoming, name), async ({ mtimeMs }) => ({
      name,
      isInUse: !isLeftBehind(name, mtimeMs, nowMs),
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

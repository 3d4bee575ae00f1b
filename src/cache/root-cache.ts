// Root file systems of bases, unpacked once and then only read: builds lay their changes over them. Below the cache folder:
//
//   roots-v1/<hex>/rootfs       the root file system
//   roots-v1/<hex>/root.json    what it is, as `KeptRoot` has it; its modification time is that of the last use
//   roots-v1/<hex>.claim        who makes one (download-claim.ts); only saves work
//   roots-v1/incoming/…         roots on their way, and on their way out
//
// The hex digits are a hash of all that decides what lies there: the layers, the program's version, and the ids of the
// user namespace in which it was made, for a folder's owners mean something only there. A root appears by `rename`
// when it is whole.
//
// Nothing of it can be checked against a digest when it is used, as blobs are. So it is kept, and used, only where nobody
// else can have put something in its place: in folders that are the user's own and that nobody else may write to.

import { createHash } from "node:crypto";
import { readFileSync, statfsSync, type BigIntStats } from "node:fs";
import { mkdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileSystemName, isShared } from "../system/file-system-name.ts";
import { removeAbandoned, TemporaryFolder } from "../system/temporary-folder.ts";
import { leaseBlob, leasedBlobs } from "./cache-lease.ts";
import { DownloadClaim } from "./download-claim.ts";
import { listRoot, type RootListing } from "./root-listing.ts";

/** What `root.json` holds. */
export interface RootRecord {
  readonly key: string;
  /** What it is the root file system of, in words. */
  readonly name: string;
  /** The ids of the user namespace that it belongs to, as the kernel writes them. */
  readonly ids: string;
  readonly listing: RootListing;
  /** Paths of which the disk can't hold all, as bytes; without a leading slash. */
  readonly unheld: readonly string[];
}

/** A root that is there, and stays until it is disposed. */
export interface KeptRoot extends AsyncDisposable {
  readonly folder: string;
  readonly record: RootRecord;
  /** Whether an earlier build, or another one, has made it. */
  readonly isOld: boolean;
}

export interface RootWish {
  readonly name: string;
  /** What decides what the root holds. */
  readonly identity: readonly string[];
  /** Fills a folder that isn't there yet. Gives what tells the inodes of which the disk could not hold all. */
  readonly make: (folder: string) => Promise<(stat: BigIntStats) => boolean>;
  /** Told once when another build is making the same one. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The ids of this process's user namespace: a root of other ids is of no use here, and can't be removed. */
export function ownIds(): string {
  return `${idMap("/proc/self/uid_map")}, ${idMap("/proc/self/gid_map")}`;
}

const idMap = (file: string) => readFileSync(file, "latin1").trim().split(/\s+/).join(" ");

/** The folder of all roots of a cache. */
export const rootsOf = (cacheFolder: string): string => join(cacheFolder, "roots-v1");

const incomingOf = (cacheFolder: string) => join(rootsOf(cacheFolder), "incoming");

/** What a lease on a root names. */
export const rootDigest = (key: string): string => `sha256:${key}`;

export class RootCache {
  readonly #cacheFolder: string;
  readonly #folder: string;
  readonly #ids = ownIds();

  constructor(cacheFolder: string) {
    this.#cacheFolder = cacheFolder;
    this.#folder = rootsOf(cacheFolder);
  }

  /** Makes the folder of roots, and says why none can be kept there, if so. */
  async refusal(): Promise<string | undefined> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const folder of [this.#cacheFolder, this.#folder]) {
        const { uid, mode } = await stat(folder);
        if (uid !== process.geteuid?.()) return `${folder} is another user's`;
        if ((mode & 0o022) !== 0) return `others may write to ${folder}`;
      }
      const { type } = statfsSync(this.#folder, { bigint: true });
      return isShared(type)
        ? `${this.#cacheFolder} is on ${fileSystemName(type)}, which several machines share`
        : undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /**
   * Gives a root, made now if it isn't there. Nobody clears it away before it is disposed.
   * @throws what making it throws, the signal's reason
   */
  async hold(wish: RootWish): Promise<KeptRoot> {
    const key = createHash("sha256")
      .update(JSON.stringify([this.#ids, ...wish.identity]))
      .digest("hex");
    const lease = await leaseBlob(this.#cacheFolder, rootDigest(key));
    try {
      for (;;) {
        const found = await this.#find(key);
        const record = found ?? (await this.#makeOnce(key, wish));
        if (record === undefined) continue;
        const folder = join(this.#folder, key, "rootfs");
        const dispose = () => lease[Symbol.asyncDispose]();
        return { folder, record, isOld: found !== undefined, [Symbol.asyncDispose]: dispose };
      }
    } catch (error) {
      await lease[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #find(key: string): Promise<RootRecord | undefined> {
    const record = await readRootRecord(join(this.#folder, key));
    if (record?.key !== key || record.ids !== this.#ids) return undefined;
    const now = Date.now() / 1000;
    await utimes(join(this.#folder, key, "root.json"), now, now).catch(() => undefined);
    return record;
  }

  /** Gives nothing where another build has just made it. */
  async #makeOnce(key: string, wish: RootWish): Promise<RootRecord | undefined> {
    const claim = await DownloadClaim.take(join(this.#folder, `${key}.claim`), {
      isThere: async () => (await this.#find(key)) !== undefined,
      onWait: wish.onWait,
      signal: wish.signal,
    });
    if (claim === undefined) return undefined;
    try {
      return await this.#make(key, wish);
    } finally {
      await claim.release();
    }
  }

  async #make(key: string, { name, make, signal }: RootWish): Promise<RootRecord> {
    await using temporary = await incomingFolder(this.#cacheFolder);
    const made = join(temporary.folder, "root");
    await mkdir(made, { mode: 0o700 });
    const root = join(made, "rootfs");
    const isUnheld = await make(root);
    const unheld: string[] = [];
    const listing = await listRoot(root, {
      signal,
      onEntry: (path, found) => {
        if (isUnheld(found)) unheld.push(path);
      },
    });
    const record: RootRecord = { key, name, ids: this.#ids, listing, unheld };
    await writeFile(join(made, "root.json"), JSON.stringify(record), { mode: 0o600 });
    const place = join(this.#folder, key);
    // What another build has put there without a claim is as good as ours; what can't be used is no root.
    const theirs = await this.#find(key);
    if (theirs !== undefined) return theirs;
    await rename(place, join(temporary.folder, "unusable")).catch(ignoreMissing);
    await rename(made, place);
    return record;
  }
}

/** A folder for what comes and goes, which is gone with all that is in it when it is disposed. */
async function incomingFolder(cacheFolder: string): Promise<TemporaryFolder> {
  const incoming = incomingOf(cacheFolder);
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  return TemporaryFolder.create(incoming);
}

/** Removes what builds that were killed left half unpacked; a later one that unpacks a base does so too. */
export async function removeAbandonedRoots(cacheFolder: string): Promise<void> {
  await removeAbandoned(incomingOf(cacheFolder));
}

/** What is said of a root; undefined where nothing is. @param folder that of the root and its record */
export async function readRootRecord(folder: string): Promise<RootRecord | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, "root.json"), "utf8")) as RootRecord;
  } catch {
    return undefined;
  }
}

/** What this process may do with a root: what its ids allow, or what it takes no other ids for. */
export interface RootRights {
  readonly mayLook: boolean;
  readonly mayRemove: boolean;
}

/**
 * The machine's root may do all, and so may whoever has the ids that a root was made with. Where all of it is one user's,
 * that user may remove it from anywhere, and look into it as root of any user namespace: modes can deny that elsewhere.
 * @param place the folder of the root and its record
 */
export async function rootRights(
  place: string,
  record: RootRecord | undefined,
): Promise<RootRights> {
  const ids = ownIds();
  const uid = process.geteuid?.();
  const isMachineRoot = uid === 0 && ids.startsWith("0 0 4294967295,");
  if (record === undefined || record.ids === ids || isMachineRoot) {
    return { mayLook: true, mayRemove: true };
  }
  const found = await stat(join(place, "rootfs")).catch(() => undefined);
  const mayRemove = record.listing.isOwn && found?.uid === uid;
  return { mayLook: mayRemove && uid === 0, mayRemove };
}

/**
 * Removes a root and says whether it did: not if a build has taken a lease on it, or if it can't be removed with this
 * process's ids.
 * @param key the name of its folder
 * @throws {HostError} `host/remove-folder`, `host/temporary-folder`
 */
export async function removeRoot(cacheFolder: string, key: string): Promise<boolean> {
  const place = join(rootsOf(cacheFolder), key);
  const { mayRemove } = await rootRights(place, await readRootRecord(place));
  if (!mayRemove) return false;
  await using temporary = await incomingFolder(cacheFolder);
  const aside = join(temporary.folder, "root");
  await rename(place, aside).catch(ignoreMissing);
  if (!(await leasedBlobs(cacheFolder)).has(rootDigest(key))) return true;
  // Where another one has come meanwhile, this one is the one to go.
  return rename(aside, place).then(
    () => false,
    () => true,
  );
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

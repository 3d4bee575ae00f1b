// What running builds use, so that nobody clears it away below them. Below the cache folder:
//
//   leases-v1/<host>-<boot>-<pid>-<start>     a digest a line, of blobs that this process uses
//
// Each process writes its own file, anew every minute. A lease counts until its process is known to be gone, or, on
// machines that can't know, until it is ten minutes old by the file server's clock.

import { rmSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { atExit } from "../system/at-exit.ts";
import { keepTidy } from "../system/keeper.ts";
import { isGone, ownIdentity } from "../system/process-identity.ts";
import type { Digest } from "./digest.ts";
import { formatOwner, parseOwner } from "../system/owner-name.ts";
import { serverTimeMs } from "./server-clock.ts";

const renewMs = 60_000;
const staleMs = 10 * 60_000;
const folderName = "leases-v1";

/** The lease of this process on one cache. */
class ProcessLease {
  readonly #folder: string;
  readonly #file: string;
  readonly #uses = new Map<Digest, number>();
  #saving: Promise<void> = Promise.resolve();
  #renewing: NodeJS.Timeout | undefined;

  constructor(cacheFolder: string) {
    this.#folder = join(cacheFolder, folderName);
    this.#file = join(this.#folder, formatOwner(ownIdentity()));
    atExit(() => rmSync(this.#file, { force: true }));
    // Machines that share the cache can't know that we are gone, and would believe the lease for ten minutes.
    for (const file of [this.#file, newOf(this.#file)]) keepTidy("path", resolve(file));
  }

  async add(digest: Digest): Promise<AsyncDisposable> {
    const before = this.#uses.get(digest) ?? 0;
    this.#uses.set(digest, before + 1);
    if (before === 0) await this.#save();
    let isHeld = true;
    return {
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        const uses = (this.#uses.get(digest) ?? 1) - 1;
        if (uses > 0) this.#uses.set(digest, uses);
        else {
          this.#uses.delete(digest);
          await this.#save();
        }
      },
    };
  }

  /** One after the other, each with what is true by then. */
  #save(): Promise<void> {
    const before = this.#saving;
    this.#saving = (async () => {
      await before;
      await this.#write();
    })();
    return this.#saving;
  }

  /** A cache that can't hold leases has to do without. */
  async #write(): Promise<void> {
    clearInterval(this.#renewing);
    if (this.#uses.size === 0) {
      await rm(this.#file, { force: true }).catch(() => undefined);
      return;
    }
    this.#renewing = setInterval(() => void this.#save(), renewMs);
    this.#renewing.unref();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 }).catch(() => undefined);
    await replace(this.#file, [...this.#uses.keys()].map((digest) => `${digest}\n`).join(""));
  }
}

const leases = new Map<string, ProcessLease>();

/** Says that this process uses a blob of the cache, until the lease is disposed or the process ends. Never fails. */
export function leaseBlob(cacheFolder: string, digest: Digest): Promise<AsyncDisposable> {
  const lease = leases.get(cacheFolder) ?? new ProcessLease(cacheFolder);
  leases.set(cacheFolder, lease);
  return lease.add(digest);
}

/** The blobs that running builds use. Leases that nobody can hold any more are cleared away. */
export async function leasedBlobs(cacheFolder: string): Promise<ReadonlySet<Digest>> {
  const folder = join(cacheFolder, folderName);
  const found = new Set<Digest>();
  // Before the folder is read, so that it is read as it is now.
  const nowMs = await serverTimeMs(folder);
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const file = join(folder, name);
    const owner = parseOwner(name);
    const stats = await stat(file).catch(() => undefined);
    if (stats === undefined) continue;
    const isOld = nowMs - stats.mtimeMs > staleMs;
    if (isOld || (owner !== undefined && isGone(owner))) {
      await rm(file, { force: true }).catch(() => undefined);
      continue;
    }
    if (owner === undefined) continue;
    const text = await readFile(file, "utf8").catch(() => "");
    for (const digest of text.split("\n")) if (digest !== "") found.add(digest);
  }
  return found;
}

const newOf = (file: string) => `${file}.new`;

async function replace(file: string, text: string): Promise<void> {
  const temporary = newOf(file);
  try {
    await using handle = await open(temporary, "w", 0o644);
    await handle.writeFile(text);
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

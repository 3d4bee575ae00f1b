// Who downloads a blob, so that builds that want the same one at the same time fetch it once. Beside the blob's place:
//
//   blobs-v1/<algorithm>/<hex>.claim     {"host", "boot", "pid", "startTicks", "nonce"} of the process that downloads it
//
// A claim is made by exclusive creation, which is atomic on local disks, NFS since version 3, Lustre and GPFS, where
// locks of the kernel may be refused or only hold on one machine. Its owner touches it every other second. Whoever waits
// takes it away when the owner is known to be gone, or when it has not been touched for a while by the waiter's own
// clock. Nothing but work depends on it: without claims, or with two owners, a blob is downloaded twice, and each
// download is checked and renamed into place as a whole.
//
// It lies in the blob's own folder because creating it there has NFS look at that folder anew, so that the owner then
// sees a blob that another machine has just put there.

import { randomBytes } from "node:crypto";
import { link, open, rename, rm, type FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isGone, ownIdentity, type ProcessIdentity } from "../system/process-identity.ts";

export interface ClaimTiming {
  /** How often an owner touches its claim. */
  readonly beatMs: number;
  /** A claim that has not been touched for so long is nobody's. */
  readonly staleMs: number;
  /** How often those who wait look, at first and at most. */
  readonly firstPollMs: number;
  readonly longestPollMs: number;
}

const usualTiming: ClaimTiming = {
  beatMs: 2000,
  staleMs: 20_000,
  firstPollMs: 20,
  longestPollMs: 400,
};

export interface ClaimWait {
  /** Whether waiting is over because what was waited for is there. */
  readonly isThere: () => Promise<boolean>;
  /** Told once, when somebody else has the claim. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timing?: Partial<ClaimTiming> | undefined;
}

/** The right to download a blob, until it is released. */
export class DownloadClaim {
  readonly #file: string;
  readonly #nonce: string;
  readonly #handle: FileHandle | undefined;
  readonly #beat: NodeJS.Timeout | undefined;

  private constructor(file: string, nonce: string, handle: FileHandle | undefined, beatMs: number) {
    this.#file = file;
    this.#nonce = nonce;
    this.#handle = handle;
    if (handle === undefined) return;
    // By the open file: if the claim was taken away, it is not the next owner's that is touched.
    this.#beat = setInterval(() => {
      const now = new Date();
      handle.utimes(now, now).catch(() => undefined);
    }, beatMs);
    this.#beat.unref();
  }

  /**
   * Waits for the claim, and gives it; or undefined once what it is for is there. A folder that can't hold claims gives
   * one all the same.
   * @param file where the claim is
   * @throws the signal's reason
   */
  static async take(file: string, wait: ClaimWait): Promise<DownloadClaim | undefined> {
    const timing = { ...usualTiming, ...wait.timing };
    const nonce = randomBytes(9).toString("base64url");
    let seen: Owner | undefined;
    let seenAt = 0;
    let pollMs = timing.firstPollMs;
    for (;;) {
      wait.signal?.throwIfAborted();
      const handle = await create(file, nonce);
      if (handle !== "taken") {
        const claim = new DownloadClaim(file, nonce, handle, timing.beatMs);
        // Between the last look and the claim somebody may have finished.
        if (!(await wait.isThere())) return claim;
        await claim.release();
        return undefined;
      }
      if (await wait.isThere()) return undefined;
      const owner = await readOwner(file);
      if (owner !== undefined) {
        if (seen?.version !== owner.version) {
          if (seen === undefined) wait.onWait?.();
          seen = owner;
          seenAt = performance.now();
        }
        const isStale = performance.now() - seenAt > timing.staleMs;
        if (isStale || (owner.identity !== undefined && isGone(owner.identity))) {
          await takeAway(file, nonce, owner);
          continue;
        }
      }
      // Not in step with the others that wait.
      const options = wait.signal === undefined ? {} : { signal: wait.signal };
      await sleep(pollMs * (0.75 + Math.random() / 2), undefined, options).catch(
        (error: unknown) => {
          wait.signal?.throwIfAborted();
          throw error;
        },
      );
      pollMs = Math.min(timing.longestPollMs, pollMs * 1.5);
    }
  }

  /** Gives it back. Never fails: a claim that stays behind is found to be nobody's. */
  async release(): Promise<void> {
    clearInterval(this.#beat);
    if (this.#handle === undefined) return;
    const owner = await readOwner(this.#file);
    if (owner?.nonce === this.#nonce) await rm(this.#file, { force: true }).catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
  }
}

interface Owner {
  readonly identity: ProcessIdentity | undefined;
  readonly nonce: string | undefined;
  /** Another one whenever the claim is touched or changes hands. */
  readonly version: string;
}

async function create(file: string, nonce: string): Promise<FileHandle | "taken" | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, "wx", 0o644);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST" ? "taken" : undefined;
  }
  // Without its text a claim is still one, only slower to be found abandoned.
  await handle.writeFile(JSON.stringify({ ...ownIdentity(), nonce })).catch(() => undefined);
  return handle;
}

/** Opened anew each time, which is what makes network file systems ask their server. */
async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    await using handle = await open(file, "r");
    const { mtimeNs, ino } = await handle.stat({ bigint: true });
    const text = await handle.readFile("utf8");
    const found = parseOwner(text);
    return { ...found, version: `${ino} ${mtimeNs} ${text}` };
  } catch {
    return undefined;
  }
}

function parseOwner(text: string): Pick<Owner, "identity" | "nonce"> {
  try {
    const { host, boot, pid, startTicks, nonce } = JSON.parse(text) as Record<string, unknown>;
    if (
      typeof host === "string" &&
      typeof boot === "string" &&
      typeof pid === "number" &&
      typeof startTicks === "string" &&
      typeof nonce === "string"
    ) {
      return { identity: { host, boot, pid, startTicks }, nonce };
    }
  } catch {
    // Its owner has not written it yet, or was killed on the way.
  }
  return { identity: undefined, nonce: undefined };
}

/**
 * Moved first: of several that find it abandoned one gets it, and the others look again. What one of them has made its own
 * meanwhile is not moved, or put back.
 */
async function takeAway(file: string, nonce: string, abandoned: Owner): Promise<void> {
  const aside = `${file}.${nonce}`;
  const isAbandoned = (owner: Owner | undefined) => owner?.version === abandoned.version;
  if (!isAbandoned(await readOwner(file))) return;
  try {
    await rename(file, aside);
    if (!isAbandoned(await readOwner(aside))) await link(aside, file);
  } catch {
    // Another one was faster.
  }
  await rm(aside, { force: true }).catch(() => undefined);
}

import { createHash, type Hash } from "node:crypto";
import { lstatSync, readdirSync, type BigIntStats } from "node:fs";
import { setImmediate } from "node:timers/promises";

export interface RootListing {
  /** Of names, types, owners, modes, sizes and times. */
  readonly digest: string;
  readonly entries: number;
  /** On disk, each inode once. */
  readonly sizeBytes: number;
  /** Whether all is the user's and group's who listed it. */
  readonly isOwn: boolean;
}

/** Whose a file is: this user's own are `own`, whatever number the user has in this user namespace. */
const ownerOf = ({ uid, gid }: Pick<BigIntStats, "uid" | "gid">): string => {
  const isOwn =
    uid === BigInt(process.geteuid?.() ?? 0) && gid === BigInt(process.getegid?.() ?? 0);
  return isOwn ? "own" : `${uid} ${gid}`;
};

/**
 * Sums up a folder so that any later change through its file system shows: writing, adding and removing set an inode's
 * time of change, which nobody can set. What a failing disk turns into something else isn't noticed.
 * @param onEntry told of everything, with its path inside, without a leading slash
 * @throws what the file system says
 */
export async function listRoot(
  folder: string,
  options: {
    readonly onEntry?: ((path: string, stat: BigIntStats) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<RootListing> {
  const hash = createHash("sha256");
  const seen = new Set<bigint>();
  let entries = 0;
  let sizeBytes = 0n;
  let isOwn = true;
  const note = (path: string, stat: BigIntStats) => {
    entries++;
    if (stat.nlink === 1n || stat.isDirectory() || !seen.has(stat.ino)) {
      sizeBytes += stat.blocks * 512n;
    }
    if (stat.nlink > 1n) seen.add(stat.ino);
    const owner = ownerOf(stat);
    isOwn &&= owner === "own";
    add(hash, path, stat, owner);
    options.onEntry?.(path, stat);
  };
  note("", lstatSync(folder, { bigint: true }));
  const pending = [""];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    // The order of a directory's names is the file system's, and may be another after a repair of it.
    const names = readdirSync(onDisk(folder, at), { encoding: "latin1" }).toSorted();
    for (const name of names) {
      const path = at === "" ? name : `${at}/${name}`;
      const stat = lstatSync(onDisk(folder, path), { bigint: true });
      note(path, stat);
      if (stat.isDirectory()) pending.push(path);
      if (entries % 2000 !== 0) continue;
      await setImmediate();
      options.signal?.throwIfAborted();
    }
  }
  return { digest: hash.digest("hex"), entries, sizeBytes: Number(sizeBytes), isOwn };
}

/** Paths inside are bytes, as `model/bytes-path.ts` has them. */
const onDisk = (folder: string, path: string) =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);

function add(hash: Hash, path: string, stat: BigIntStats, owner: string): void {
  const { ino, mode, rdev, mtimeNs, ctimeNs } = stat;
  const size = stat.isDirectory() ? 0n : stat.size;
  hash.update(`${path}\0${ino} ${mode} ${owner} ${rdev} ${size} ${mtimeNs} ${ctimeNs}\n`);
}

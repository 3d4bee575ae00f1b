import { randomBytes } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Now, in milliseconds since 1970, by the clock that gives a folder's files their times: with network file systems it is
 * another machine's, and may go wrong by any amount. The folder is made if it is missing. Where nothing can be written
 * it is this machine's clock.
 *
 * A file is made for it, so the folder is read anew by whoever lists it next: an NFS client believes for half a minute
 * what it has seen, and would miss what other machines have put there.
 */
export async function serverTimeMs(folder: string): Promise<number> {
  const file = join(folder, `.now-${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await using handle = await open(file, "wx");
    await handle.writeFile("x");
    return (await handle.stat()).mtimeMs;
  } catch {
    return Date.now();
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

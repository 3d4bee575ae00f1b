import { closeSync, openSync, readSync } from "node:fs";

/** PATH_MAX, the NUL included. */
const longestText = 4096;
/** No page is smaller. */
const pageBytes = 4096n;

/**
 * The text at an address of another process, up to its NUL and without it. Undefined where there is none, a longer one than
 * any path, or we may not look.
 */
export function readProcessText(pid: number, address: bigint): Buffer | undefined {
  let memory: number;
  try {
    memory = openSync(`/proc/${pid}/mem`, "r");
  } catch {
    return undefined;
  }
  try {
    const text = Buffer.alloc(longestText);
    // The page behind a text need not be there.
    for (let at = 0; at < longestText;) {
      const from = address + BigInt(at);
      const inPage = Number(pageBytes - (from % pageBytes));
      const read = readSync(memory, text, at, Math.min(inPage, longestText - at), from);
      if (read === 0) return undefined;
      const end = text.indexOf(0, at);
      if (end >= 0 && end < at + read) return text.subarray(0, end);
      at += read;
    }
    return undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(memory);
  }
}

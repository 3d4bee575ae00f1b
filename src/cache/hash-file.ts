import { hasherOf, type Digest } from "./digest.ts";
import { openUnnoticed } from "./open-unnoticed.ts";

const readBytes = 1024 * 1024;

/** The hash of a blob's file in hex, or undefined where it can't be read. That doesn't count as a use of it. */
export async function hashFile(file: string, digest: Digest): Promise<string | undefined> {
  const hash = hasherOf(digest);
  try {
    await using handle = await openUnnoticed(file);
    const buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, readBytes);
      if (bytesRead === 0) return hash.digest("hex");
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch {
    return undefined;
  }
}

import { openUnnoticed } from "./open-unnoticed.ts";

/** Where a SIF file has its magic, after the launch script: the SIF specification's global header. */
const magicOffset = 32;
const magic = Buffer.from("SIF_MAGIC\0");

/** Whether a file begins as a SIF file does. One that can't be read doesn't. */
export async function isSifFile(file: string): Promise<boolean> {
  try {
    await using handle = await openUnnoticed(file);
    const found = Buffer.alloc(magic.length);
    await handle.read(found, 0, magic.length, magicOffset);
    return found.equals(magic);
  } catch {
    return false;
  }
}

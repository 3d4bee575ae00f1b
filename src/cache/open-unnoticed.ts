import { constants, open, type FileHandle } from "node:fs/promises";

/** Opens a file to read it without that counting as a use of it, where it is one's own. */
export async function openUnnoticed(file: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOATIME } = constants;
  return open(file, O_RDONLY | O_NOATIME).catch(() => open(file, "r"));
}

import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HostError } from "../model/error.ts";

/**
 * Gives a file that is there other contents. It has the old ones or the new ones, whatever happens, and keeps its mode.
 * @throws {HostError} `host/not-writable`
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const beside = resolve(dirname(path), `.tsbuild-new-${process.pid}`);
  try {
    const { mode } = await stat(path);
    await writeFile(beside, bytes, { mode: mode & 0o7777, flush: true });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw new HostError("host/not-writable", `${path} can't be written`, {
      hint: "check that you may write the file and its folder",
      cause: error,
    });
  }
}

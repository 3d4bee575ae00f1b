import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HostError } from "../model/error.ts";

/**
 * Writes a file. One that is there has the old contents or the new ones, whatever happens, and keeps its mode; a symlink
 * stays one. What is no file, a pipe or `/dev/stdout` say, is written to.
 * @param name what the user called it
 * @throws {HostError} `host/not-writable`
 */
export async function replaceFile(path: string, bytes: Uint8Array, name = path): Promise<void> {
  let beside: string | undefined;
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isFile() === false) {
      await writeFile(path, bytes);
      return;
    }
    const target = there === undefined ? path : await realpath(path);
    beside = resolve(dirname(target), `.tsbuild-new-${process.pid}`);
    const mode = there === undefined ? 0o666 : there.mode & 0o7777;
    await writeFile(beside, bytes, { mode, flush: true });
    await rename(beside, target);
  } catch (error) {
    if (beside !== undefined) await rm(beside, { force: true });
    throw new HostError("host/not-writable", `${name} can't be written`, {
      hint: "check that you may write the file and its folder",
      cause: error,
    });
  }
}

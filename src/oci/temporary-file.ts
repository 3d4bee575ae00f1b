import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { HostError } from "../model/error.ts";

/**
 * Writes bytes to a new file in a folder and gives its path. The folder's owner removes it.
 * @throws {HostError} `host/temporary-folder` when it can't be written; and whatever the chunks throw
 */
export async function writeTemporaryFile(
  folder: string,
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): Promise<string> {
  const file = join(folder, `${randomBytes(8).toString("hex")}.tar`);
  const output = createWriteStream(file, { flags: "wx", mode: 0o600, highWaterMark: 1024 * 1024 });
  let failure: NodeJS.ErrnoException | undefined;
  output.once("error", (error: NodeJS.ErrnoException) => (failure = error));
  try {
    await pipeline(chunks, output);
  } catch (error) {
    // What the chunks throw comes here too, and the stream is destroyed with it.
    const { code, message, syscall = "" } = failure ?? {};
    if (failure !== error || !["open", "write", "close"].includes(syscall)) throw error;
    throw new HostError("host/temporary-folder", `cannot write ${what} to ${folder}: ${message}`, {
      cause: error,
      hint:
        code === "ENOSPC" || code === "EDQUOT"
          ? "there is too little room: name another folder with --tmpdir"
          : "name another folder with --tmpdir",
    });
  }
  return file;
}

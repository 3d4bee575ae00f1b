import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { unreadable } from "./read-spec.ts";

/**
 * The bytes of a file that a command was given; `-` is standard input. That is read as the stream it is: an editor may
 * have made a socket of it, which `/dev/stdin` can't open.
 * @throws {HostError} `host/not-readable`
 */
export async function readInput(file: string, folder: string): Promise<Buffer> {
  if (file === "-") {
    const { buffer } = await import("node:stream/consumers");
    return buffer(process.stdin);
  }
  try {
    return readFileSync(resolve(folder, file));
  } catch (error) {
    return unreadable(file)(error);
  }
}

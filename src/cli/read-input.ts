import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { unreadable } from "./read-spec.ts";

/**
 * The bytes of a file that a command was given; `-` is standard input. That is read as the stream it is: an editor may
 * have made a socket of it, which `/dev/stdin` can't open.
 * @throws {HostError} `host/not-readable`
 */
export async function readInput(file: string, folder: string): Promise<Buffer> {
  if (file === "-") return buffer(process.stdin);
  return readFile(resolve(folder, file)).catch(unreadable(file));
}

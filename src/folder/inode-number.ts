import { lstatSync } from "node:fs";
import type { ByteString } from "../model/bytes-path.ts";
import { pathBuffer } from "./entry-reader.ts";
import { errnoOf } from "./folder-error.ts";

/** The number of what is at a path, a symlink itself; undefined where there is nothing, or no folder above it. */
export function inodeNumber(path: ByteString): bigint | undefined {
  try {
    return lstatSync(pathBuffer(path), { bigint: true }).ino;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}

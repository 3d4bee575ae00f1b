import { closeSync } from "node:fs";
import type { DeviceNode } from "../model/node.ts";
import { makeNode } from "../system/syscalls.ts";
import { createFile } from "./file-being-written.ts";
import { errnoOf } from "./folder-error.ts";

/**
 * Makes a device node, or an empty file in its place where that isn't allowed: for plain users, and in every user
 * namespace. The ledger tells the two apart.
 */
export function makeDeviceOrPlaceholder(path: Buffer, node: DeviceNode): void {
  try {
    makeNode(path, node.type, 0o600, node);
  } catch (error) {
    if (!["EPERM", "EACCES", "ENOTSUP"].includes(errnoOf(error) ?? "")) throw error;
    closeSync(createFile(path));
  }
}

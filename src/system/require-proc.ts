import { existsSync } from "node:fs";
import { HostError } from "../model/error.ts";

/**
 * Sees to it that the kernel's file system of processes is there: what is mounted, who runs and which ids stand for which
 * is read from it.
 * @throws {HostError} `host/no-proc`
 */
export function requireProc(): void {
  if (existsSync("/proc/self/mountinfo")) return;
  throw new HostError("host/no-proc", "there is no file system of processes at /proc", {
    hint: "mount it first: mount -t proc proc /proc",
  });
}

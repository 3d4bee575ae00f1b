import { readdirSync } from "node:fs";
import { cLibrary } from "./c-library.ts";

const setDescriptorFlags = 2; // F_SETFD
const closeOnExec = 1; // FD_CLOEXEC

/**
 * Keeps the file descriptors that this process was started with to itself: from now on, what it starts has those only that
 * it is given. Node does the same for the lowest ones alone.
 */
export function closeDescriptorsOnExec(): void {
  const { libc } = cLibrary();
  const fcntl = libc.func("int fcntl(int, int, ...)");
  for (const name of readdirSync("/proc/self/fd")) {
    const descriptor = Number(name);
    // One that is gone by now, the listing's own, gives an error that means nothing.
    if (descriptor > 2) fcntl(descriptor, setDescriptorFlags, "int", closeOnExec);
  }
}

import { closeSync } from "node:fs";
import { cLibrary } from "../system/c-library.ts";

/** A call seldom comes alone; waiting a moment for the next is cheaper than going round by Node's loop. */
const patienceMs = 1;
/** Then others get a turn. */
const mostInARow = 200;
const readable = 1; // POLLIN

/**
 * Tells of each call that waits at a filter's listener. When all that had the filter has ended, or when it is closed, the
 * descriptor is closed, too.
 * @param onCall has to receive one call; it is certainly there
 */
export function hearCalls(descriptor: number, onCall: () => void): { close(): void } {
  const { koffi, libc } = cLibrary();
  const poll = libc.func("poll", "int", ["void *", "uint64_t", "int"]) as (
    places: Buffer,
    count: number,
    limitMs: number,
  ) => number;
  const place = Buffer.alloc(8);
  place.writeInt32LE(descriptor, 0);
  place.writeInt16LE(readable, 4);
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    handle.close();
    closeSync(descriptor);
  };
  const handle = koffi.node.poll(descriptor, { readable: true }, () => {
    for (let row = 0; row < mostInARow; row++) {
      if (poll(place, 1, row === 0 ? 0 : patienceMs) <= 0) return;
      if ((place.readInt16LE(6) & readable) === 0) return close();
      onCall();
      if (!isOpen) return;
    }
  });
  return { close };
}

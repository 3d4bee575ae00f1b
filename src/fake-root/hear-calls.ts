import { cLibrary } from "../system/c-library.ts";
import { makeArea } from "./area.ts";

/** Then others get a turn. */
const mostInARow = 500;
const readable = 1; // POLLIN

export interface Hearing {
  /** Has to receive one call; it is certainly there. */
  readonly onCall: () => void;
  /** When none waits any more, or others get a turn. */
  readonly onPause?: () => void;
  /** Whether to leave what may still wait. */
  readonly isStopped?: () => boolean;
  /**
   * How long the thread does nothing else after a call: it seldom comes alone, and waiting a moment for the next is cheaper
   * than going round by Node's loop.
   */
  readonly patienceMs: number;
}

/**
 * Tells of each call that waits at a filter's listener. When all that had the filter has ended, or when it is closed, the
 * descriptor is closed, too.
 */
export function hearCalls(
  descriptor: number,
  { onCall, onPause = () => {}, isStopped = () => false, patienceMs }: Hearing,
): { close(): void } {
  const { koffi, libc } = cLibrary();
  const poll = libc.func("poll", "int", ["uint64_t", "uint64_t", "int"]) as (
    places: number,
    count: number,
    limitMs: number,
  ) => number;
  // Node's own would warn in a thread: it didn't open it.
  const closeDescriptor = libc.func("close", "int", ["int"]) as (descriptor: number) => number;
  const place = makeArea(8); // struct pollfd: s32 descriptor | s16 what is waited for | s16 what there is
  place.bytes.writeInt32LE(descriptor, 0);
  place.bytes.writeInt16LE(readable, 4);
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    handle.close();
    closeDescriptor(descriptor);
  };
  const hearRow = (): void => {
    for (let row = 0; row < mostInARow && !isStopped(); row++) {
      if (poll(place.address, 1, row === 0 ? 0 : patienceMs) <= 0) return;
      if ((place.bytes.readInt16LE(6) & readable) === 0) {
        // All that had the filter has ended.
        close();
        return;
      }
      onCall();
    }
  };
  const handle = koffi.node.poll(descriptor, { readable: true }, () => {
    if (!isOpen) return;
    hearRow();
    onPause();
  });
  return { close };
}

import { atExit } from "./at-exit.ts";
import { cLibrary } from "./c-library.ts";

/** More than `struct termios` of any C library for Linux. */
const settingsBytes = 256;
const now = 0; // TCSANOW

/**
 * Lets every byte through a terminal, both ways, as it is (cfmakeraw(3)); Node's own raw mode still changes line ends.
 * Disposing, or the end of this process, brings back what was set before.
 */
export function makeRaw(descriptor: number): Disposable {
  const { libc } = cLibrary();
  const get = libc.func("tcgetattr", "int", ["int", "void *"]) as (
    descriptor: number,
    settings: Buffer,
  ) => number;
  const set = libc.func("tcsetattr", "int", ["int", "int", "void *"]) as (
    descriptor: number,
    when: number,
    settings: Buffer,
  ) => number;
  const before = Buffer.alloc(settingsBytes);
  if (get(descriptor, before) !== 0) return { [Symbol.dispose]: () => {} };
  const raw = Buffer.from(before);
  libc.func("cfmakeraw", "void", ["void *"])(raw);
  set(descriptor, now, raw);
  const restore = (): void => void set(descriptor, now, before);
  const guard = atExit(restore);
  return {
    [Symbol.dispose]: () => {
      restore();
      guard[Symbol.dispose]();
    },
  };
}

import { spawn, spawnSync } from "node:child_process";
import type { Writable } from "node:stream";
import { atExit } from "./at-exit.ts";
import { cLibrary } from "./c-library.ts";
import { programPath } from "./find-program.ts";

/** More than `struct termios` of any C library for Linux. */
const settingsBytes = 256;
const now = 0; // TCSANOW

/**
 * Lets every byte through a terminal, both ways, as it is (cfmakeraw(3)); Node's own raw mode still changes line ends.
 * Disposing, or the end of this process, brings back what was set before; if it is killed, a shell that outlives it does.
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
  const usual = settingsOf(descriptor);
  set(descriptor, now, raw);
  const keeper = keepSettings(descriptor, usual, settingsOf(descriptor));
  const restore = (): void => void set(descriptor, now, before);
  const guard = atExit(restore);
  return {
    [Symbol.dispose]: () => {
      restore();
      guard[Symbol.dispose]();
      keeper[Symbol.dispose]();
    },
  };
}

const environment = () => ({ PATH: programPath(process.env), LC_ALL: "C" });

/** As stty(1) writes them for itself; undefined where there is no stty. */
function settingsOf(descriptor: number): string | undefined {
  const { stdout } = spawnSync("stty", ["-g"], {
    stdio: [descriptor, "pipe", "ignore"],
    env: environment(),
    encoding: "utf8",
  });
  return stdout?.trim();
}

/**
 * Somebody else has the terminal once we are gone: a shell that edits its line, a program that fills the screen. They make
 * settings of their own, get the time for it, and only ours are taken back.
 */
const script = `
trap '' HUP INT QUIT TERM
read -r _ <&3 && exit
sleep 0.3
[ "$(stty -g)" = "$2" ] && stty "$1"
`.trim();

/** Has a terminal's usual settings brought back if this process ends without a word while the terminal has others. */
function keepSettings(
  descriptor: number,
  usual: string | undefined,
  changed: string | undefined,
): Disposable {
  if (!usual || !changed) return { [Symbol.dispose]: () => {} };
  const child = spawn("/bin/sh", ["-c", script, "tsbuild-terminal-keeper", usual, changed], {
    stdio: [descriptor, "ignore", "ignore", "pipe"],
    detached: true,
    cwd: "/",
    env: environment(),
  });
  const pipe = child.stdio[3] as Writable & { unref?: () => void };
  // Without a shell there is no help.
  child.on("error", () => {});
  pipe.on("error", () => {});
  child.unref();
  pipe.unref?.();
  return { [Symbol.dispose]: () => void pipe.end("done\n") };
}

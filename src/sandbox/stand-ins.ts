// Where nothing can be mounted, what a script is to find is put into the root file system itself for as long as it runs,
// and what was there is kept aside meanwhile.

import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import type { Mount } from "../isolation/isolation.ts";
import { makeNode } from "../system/syscalls.ts";

const devices = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
] as const;

/** Puts copies in the places of mounts. Disposing takes them away and puts back what was there. */
export function makeStandIns(
  rootFolder: string,
  mounts: readonly Mount[],
  workFolder: string,
): Disposable {
  const replaced: { readonly place: string; readonly aside: string }[] = [];
  const restore = (): void => {
    for (const { place, aside } of replaced.toReversed()) {
      rmSync(place, { recursive: true, force: true });
      renameSync(aside, place);
    }
  };
  const replace = (target: string, make: (place: string) => void): void => {
    const place = rootFolder + target;
    const aside = join(workFolder, `aside-${replaced.length}`);
    renameSync(place, aside);
    replaced.push({ place, aside });
    make(place);
  };
  try {
    for (const mount of mounts) {
      if (mount.kind === "dev") replace("/dev", makeDevices);
      else if (mount.kind === "bind") {
        replace(mount.target, (place) => {
          copyOf(mount.source, place);
        });
      }
    }
  } catch (error) {
    restore();
    throw error;
  }
  return { [Symbol.dispose]: restore };
}

/** A file with its text, or an empty folder: all that is put in place has one of these forms. */
function copyOf(source: string, place: string): void {
  const stats = statSync(source);
  if (stats.isDirectory()) mkdirSync(place);
  else copyFileSync(source, place);
  chmodSync(place, stats.mode & 0o7777);
}

function makeDevices(folder: string): void {
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  for (const [name, major, minor] of devices) {
    const path = join(folder, name);
    try {
      makeNode(Buffer.from(path), "character-device", 0o666, { major, minor });
      chmodSync(path, 0o666);
    } catch {
      // Not every container's root may make devices. Without /dev/null, output to it goes to a file that is thrown away.
    }
  }
  for (const name of ["pts", "shm"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "shm"), 0o1777);
  for (const [name, target] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "fd/0"],
    ["stdout", "fd/1"],
    ["stderr", "fd/2"],
  ] as const) {
    symlinkSync(target, join(folder, name));
  }
}

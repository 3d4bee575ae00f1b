import { createRequire } from "node:module";

export interface CLibrary {
  readonly koffi: typeof import("koffi");
  /** The functions of the C library that this process runs with. */
  readonly libc: import("koffi").LibraryHandle;
}

let loaded: CLibrary | undefined;

/**
 * The C library, to call what Node has no function for. The binding is loaded at the first call, so that a program that
 * needs none of this doesn't pay for it (10 ms).
 */
export function cLibrary(): CLibrary {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)("koffi") as CLibrary["koffi"];
    loaded = { koffi, libc: koffi.load(null) };
  }
  return loaded;
}

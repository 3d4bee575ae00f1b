import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Environment } from "./settings.ts";

/** Where blobs and compiled code are kept: `TSBUILD_CACHEDIR`, then `tsbuild` in the user's cache folder. */
export function cacheFolder(environment: Environment): string {
  const own = environment["TSBUILD_CACHEDIR"];
  if (own !== undefined && own !== "") return resolve(own);
  const user = environment["XDG_CACHE_HOME"];
  // The XDG specification asks to ignore a path that is not absolute.
  return join(
    user?.startsWith("/") === true ? user : join(environment["HOME"] ?? homedir(), ".cache"),
    "tsbuild",
  );
}

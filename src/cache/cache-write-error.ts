import { HostError } from "../model/error.ts";

/** What it means that a download can't be kept in a folder. */
export function cacheWriteError(folder: string, cause: unknown): HostError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new HostError("cache/write", `cannot keep a download in ${folder}: ${message}`, {
    cause,
    hint: hintOf(code),
  });
}

function hintOf(code: string | undefined): string {
  if (code === "ENOSPC" || code === "EDQUOT") {
    return "the disk or quota is full: make room, or name another cache folder with TSBUILD_CACHEDIR";
  }
  if (code === "EACCES" || code === "EPERM") {
    return "a folder on another machine may be closed to root here (NFS: root_squash): build as the user that it belongs to, name another cache folder with TSBUILD_CACHEDIR, or build with --disable-cache";
  }
  if (code === "ESTALE" || code === "ENOENT") {
    return "somebody on another machine has removed it meanwhile: build again";
  }
  return "name another cache folder with TSBUILD_CACHEDIR, or build with --disable-cache";
}

/** Waits for work on the file system, and tells its failures so. */
export async function keeping<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw cacheWriteError(folder, error);
  }
}

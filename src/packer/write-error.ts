import { dirname } from "node:path";
import { HostError } from "../model/error.ts";

const noSpace = new Set(["ENOSPC", "EDQUOT"]);
const notAllowed = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * What to tell when writing the image failed: the system's error as one of ours. Whatever is not a system's error of
 * writing comes back as it is.
 */
export function writeError(error: unknown, target: string, folder: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return error;
  // What names another file is about that, a layer that went away say.
  if ("path" in error && typeof error.path === "string" && dirname(error.path) !== folder) {
    return error;
  }
  const code = String(error.code);
  if (noSpace.has(code)) {
    return new HostError("host/no-space", `there is no space left for ${target}`, {
      hint: `make room in ${folder}, or write the image to another disk`,
      cause: error,
    });
  }
  if (notAllowed.has(code)) {
    return new HostError("host/not-writable", `the folder ${folder} can't be written`, {
      hint: "choose another place for the image, or ask the folder's owner for the right to write there",
      cause: error,
    });
  }
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new HostError("host/no-folder", `the folder ${folder} for the image does not exist`, {
      hint: `make it first: mkdir -p ${folder}`,
      cause: error,
    });
  }
  return new HostError("host/write-failed", `can't write ${target}: ${error.message}`, {
    hint: "check the disk, or write the image to another one",
    cause: error,
  });
}

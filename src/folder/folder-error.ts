import { displayName, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";

/** The errno's name of a failed system call, or undefined for any other failure. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" && "syscall" in (error as object) ? code : undefined;
}

const hints: Readonly<Record<string, string>> = {
  EACCES: "check who owns it and its mode",
  EPERM: "check who owns it, its mode and its flags (lsattr)",
  EROFS: "the file system is mounted read-only: choose another folder",
  EMFILE: "raise the limit of open files (ulimit -n)",
  ENAMETOOLONG: "build in a folder with a shorter path",
  EIO: "the disk reports a fault: see the kernel's log (dmesg)",
};

/**
 * A failed system call as an error for people; other errors pass as they are. A full disk is `folder/no-space`
 * whatever was being done.
 */
export function folderError(error: unknown, code: string, what: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new HostError(
      "folder/no-space",
      `${what}: ${errno === "ENOSPC" ? "no space (or no free inode) is left" : "the disk quota is used up"}`,
      {
        hint: "free space, or build in another folder: set TMPDIR, or give --tmpdir",
        cause: error,
      },
    );
  }
  return new HostError(code, `${what}: ${(error as Error).message.replace(/^\w+: /, "")}`, {
    hint: hints[errno],
    cause: error,
  });
}

/** What the kernel says when something stands in the way, or a symlink stands where a directory should be. */
const unexpected = new Set(["ELOOP", "ENOTDIR", "EEXIST", "ENOENT", "EISDIR"]);

/** A failure to write a path of a tree into a folder: `folder/changed`, `folder/no-space` or `folder/write`. */
export function writeError(error: unknown, path: ByteString, folder: string): unknown {
  const shown = `/${displayName(path)}`;
  const errno = errnoOf(error);
  if (errno === undefined || !unexpected.has(errno)) {
    return folderError(error, "folder/write", `can't write ${shown} into ${folder}`);
  }
  return new HostError(
    "folder/changed",
    `${shown} in ${folder} is not what it was: ${(error as Error).message}`,
    { hint: "does another program work in this folder? Build again", cause: error },
  );
}

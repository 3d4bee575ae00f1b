import { cLibrary } from "./c-library.ts";
import { SystemCallError, terminated } from "./syscalls.ts";

type Call = (...args: (number | Buffer)[]) => number;

let renameat2: Call | undefined;

/**
 * Two paths of one file system change places, in one step: nobody sees either of them missing.
 * @throws {SystemCallError} `EINVAL` where the file system can't do it (NFS), `ENOSYS` where the C library or the kernel is
 * too old (glibc 2.28)
 */
export function exchangePaths(a: string, b: string): void {
  const { koffi, libc } = cLibrary();
  const path = Buffer.from(a);
  try {
    renameat2 ??= libc.func("renameat2", "int", [
      "int",
      "const void *",
      "int",
      "const void *",
      "uint32_t",
    ]) as Call;
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("renameat2"))) throw error;
    throw new SystemCallError(38, "renameat2", path); // ENOSYS
  }
  // Paths are looked up from the working directory (AT_FDCWD); 2 is RENAME_EXCHANGE.
  const result = renameat2(-100, terminated(path), -100, terminated(Buffer.from(b)), 2);
  if (result < 0) throw new SystemCallError(koffi.errno(), "renameat2", path);
}

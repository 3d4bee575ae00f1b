import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";

/** The longest name that Linux, and so every reader of an image, can hold. */
export const maxNameBytes = 255;

/**
 * The one place that decides which paths from outside are allowed: the parts of a path inside a tree. Leading and
 * doubled slashes and `.` parts are dropped, as every unpacker does.
 * @throws {FormatError} `tree/path-escape` for a `..` part, `tree/bad-name` for a NUL or a name over 255 bytes
 */
export function splitPath(path: ByteString): ByteString[] {
  const names: ByteString[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      throw new FormatError(
        "tree/path-escape",
        `the path ${displayName(path)} leads out of the root file system`,
      );
    }
    if (name.includes("\0")) {
      throw new FormatError("tree/bad-name", `the name ${displayName(name)} holds a NUL byte`);
    }
    if (name.length > maxNameBytes) {
      throw new FormatError(
        "tree/bad-name",
        `the name ${displayName(name)} is longer than ${maxNameBytes} bytes`,
      );
    }
    names.push(name);
  }
  return names;
}

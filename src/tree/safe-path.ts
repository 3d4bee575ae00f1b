import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";

// The one place that decides which paths from outside are allowed.

/** The longest name that Linux, and so every reader of an image, can hold. */
export const maxNameBytes = 255;

/** The longest path that can be given to Linux, PATH_MAX less its NUL. */
export const maxPathBytes = 4095;

/**
 * The parts of a path inside a tree. Leading and doubled slashes and `.` parts are dropped, as every unpacker does.
 * @throws {FormatError} `tree/path-escape` for a `..` part, `tree/bad-name` for a NUL or a name over 255 bytes
 */
export function splitPath(path: ByteString): ByteString[] {
  const names: ByteString[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") throw pathEscape(path);
    checkName(name);
    names.push(name);
  }
  return names;
}

/**
 * The same for a path from an archive, where `..` takes back the part before it, without regard to symlinks, as long as
 * the path stays inside.
 * @throws {FormatError} `tree/path-escape` for a `..` that leads out, `tree/bad-name` for a NUL, a name over 255 bytes
 *   or a path over 4095
 */
export function pathInside(path: ByteString): ByteString[] {
  if (path.length > maxPathBytes) {
    throw new FormatError(
      "tree/bad-name",
      `the path ${displayName(path.slice(0, 40))}… is longer than ${maxPathBytes} bytes`,
    );
  }
  const names: ByteString[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (names.pop() === undefined) throw pathEscape(path);
      continue;
    }
    checkName(name);
    names.push(name);
  }
  return names;
}

function checkName(name: ByteString): void {
  if (name.includes("\0")) {
    throw new FormatError("tree/bad-name", `the name ${displayName(name)} holds a NUL byte`);
  }
  if (name.length > maxNameBytes) {
    throw new FormatError(
      "tree/bad-name",
      `the name ${displayName(name)} is longer than ${maxNameBytes} bytes`,
    );
  }
}

function pathEscape(path: ByteString): FormatError {
  return new FormatError(
    "tree/path-escape",
    `the path ${displayName(path)} leads out of the root file system`,
  );
}

import { linkSync } from "node:fs";
import type { ByteString } from "../model/bytes-path.ts";
import { splitPath } from "../tree/safe-path.ts";
import type { DirectoryHandle } from "./directory-handle.ts";

/** Gives a second name to what is at a path below an opened directory. No symlink on the way is followed. */
export function linkBelow(root: DirectoryHandle, path: ByteString, to: Buffer): void {
  const names = splitPath(path);
  const last = names.pop() ?? ".";
  let at = root;
  try {
    for (const name of names) {
      const next = at.open(name);
      if (at !== root) at.close();
      at = next;
    }
    linkSync(at.at(last), to);
  } finally {
    if (at !== root) at.close();
  }
}

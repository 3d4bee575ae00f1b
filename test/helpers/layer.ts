// Entries of layers from literals.

import { toByteString } from "../../src/model/bytes-path.ts";
import type { ContentSource } from "../../src/model/content.ts";
import type { LayerEntry } from "../../src/model/layer-entry.ts";

/** A source that nothing may be read from: trees hold contents by reference. */
export function sourceNamed(name: string): ContentSource {
  return {
    name,
    read: () => {
      throw new Error(`nothing should be read from ${name}`);
    },
  };
}

/** An entry; a path with a trailing slash is a directory, one with a link target a symlink, all else a file. */
export function layerEntry(path: string, given: Partial<LayerEntry> = {}): LayerEntry {
  const target = given.linkTarget ?? "";
  const type = path.endsWith("/") ? "directory" : target === "" ? "file" : "symlink";
  const sizeBytes = given.sizeBytes ?? 0;
  return {
    path: toByteString(path),
    type,
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    xattrs: undefined,
    sizeBytes,
    dataOffset: 0,
    storedBytes: sizeBytes,
    data: undefined,
    major: 0,
    minor: 0,
    ...given,
    linkTarget: toByteString(target),
  };
}

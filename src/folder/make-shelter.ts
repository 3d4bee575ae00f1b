import { mkdirSync } from "node:fs";
import { randomBytes } from "node:crypto";
import type { ByteString } from "../model/bytes-path.ts";
import type { LeafNode } from "../model/node.ts";
import { Directory } from "../tree/file-tree.ts";
import type { DirectoryHandles, Place } from "./directory-handles.ts";
import { linkBelow } from "./link-below.ts";
import type { Endangered } from "./tree-change.ts";

/** A folder in the root of a tree on disk, in which files wait under second names. */
export interface Shelter {
  readonly name: ByteString;
  readonly places: ReadonlyMap<LeafNode, Place>;
  /** Nodes for which only the contents were brought here. */
  readonly contentsOnly: ReadonlySet<LeafNode>;
}

/** Gives everything endangered a second name. @param onNext told the path of each, for messages */
export function makeShelter(
  endangered: readonly Endangered[],
  handles: DirectoryHandles,
  root: Directory,
  onNext: (path: ByteString) => void,
): Shelter {
  const name = `.tsbuild-${randomBytes(8).toString("hex")}`;
  mkdirSync(handles.get(root).at(name), { mode: 0o700 });
  const directory = new Directory(root.node);
  handles.place(directory, root, name);
  const places = new Map<LeafNode, Place>();
  const contentsOnly = new Set<LeafNode>();
  for (const { node, path, need } of endangered) {
    onNext(path);
    const place = { directory, name: String(places.size) };
    linkBelow(handles.get(root), path, handles.at(place));
    places.set(node, place);
    if (need === "contents") contentsOnly.add(node);
  }
  return { name, places, contentsOnly };
}

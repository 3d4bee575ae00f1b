import { lstatSync } from "node:fs";
import { bytesOf, displayName } from "../model/bytes-path.ts";
import type { FileTree } from "../tree/file-tree.ts";

/** The devices of a tree that are ordinary files in the folder it was written to, for lack of the right to make them. */
export function placeholdersIn(tree: FileTree, folder: string): string[] {
  const found: string[] = [];
  for (const { path, node } of tree.walk()) {
    if (node.type !== "character-device" && node.type !== "block-device") continue;
    const file = Buffer.concat([Buffer.from(`${folder}/`), bytesOf(path)]);
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() === true) {
      found.push(`/${displayName(path)}`);
    }
  }
  return found.toSorted();
}

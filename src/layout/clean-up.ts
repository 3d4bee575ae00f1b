import type { FileTree } from "../tree/file-tree.ts";

/** Takes away what only the build needed: the script of `%post`, and the labels that it left, once they are read. */
export function cleanUp(tree: FileTree): void {
  tree.remove(".post.script");
  tree.remove(".build.labels");
}

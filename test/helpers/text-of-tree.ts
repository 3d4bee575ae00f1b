import { readNode } from "../../src/contents/read-node.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";

/** Path → text of all files of a tree, for trees with few of them. */
export async function textsOf(tree: FileTree): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const { path, node } of tree.walk()) {
    if (node.type === "file") texts[path] = Buffer.from(await readNode(node)).toString("utf8");
  }
  return texts;
}

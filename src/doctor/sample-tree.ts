import type { LeafNode } from "../model/node.ts";
import { FileTree } from "../tree/file-tree.ts";

const sizeBytes = 1 << 16;

/** A little of all that root file systems have: to be written where one will be. */
export function sampleTree(): FileTree {
  const tree = new FileTree();
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 };
  const file: LeafNode = {
    ...attributes,
    type: "file",
    sizeBytes,
    content: { kind: "bytes", bytes: Buffer.alloc(sizeBytes, "tsbuild ") },
  };
  tree.put("etc", { ...attributes, type: "directory", mode: 0o755 });
  for (let index = 0; index < 16; index++) tree.put(`etc/file-${index}`, { ...file });
  tree.put("second", file);
  tree.put("third", file);
  tree.put("link", { ...attributes, type: "symlink", mode: 0o777, target: "etc" });
  return tree;
}

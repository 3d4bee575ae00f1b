import type { ByteString } from "../model/bytes-path.ts";
import type { FileNode, LeafNode } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";

/** Writes new contents into files of a tree, which all names of a file then have. */
export class Overwriter {
  readonly #tree: FileTree;
  /** Every name of every leaf; made when first needed, because most copies overwrite nothing. */
  #names: Map<LeafNode, [Directory, ByteString][]> | undefined;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  /**
   * Gives the file its new contents as writing into it would: mode and owner stay, but a file capability goes, because
   * Linux takes it away from a file that is written to.
   */
  overwrite(
    old: FileNode,
    contents: Pick<FileNode, "sizeBytes" | "content" | "mtimeSeconds">,
  ): void {
    const xattrs = new Map(old.xattrs);
    xattrs.delete("security.capability");
    const node: FileNode = { ...old, ...contents, xattrs: xattrs.size === 0 ? undefined : xattrs };
    const names = this.#namesOf(old);
    for (const [directory, name] of names) {
      if (directory.children.get(name) === old) directory.children.set(name, node);
    }
    this.#names?.set(node, names);
  }

  /** Told of a file that was put into the tree. */
  added(node: LeafNode, directory: Directory, name: ByteString): void {
    this.#names?.set(node, [[directory, name]]);
  }

  #namesOf(node: LeafNode): [Directory, ByteString][] {
    if (this.#names === undefined) {
      this.#names = new Map();
      const pending = [this.#tree.root];
      for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
        for (const [name, child] of at.children) {
          if (child instanceof Directory) pending.push(child);
          else {
            const names = this.#names.get(child);
            if (names === undefined) this.#names.set(child, [[at, name]]);
            else names.push([at, name]);
          }
        }
      }
    }
    return this.#names.get(node) ?? [];
  }
}

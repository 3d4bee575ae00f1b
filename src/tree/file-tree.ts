import { FormatError } from "../model/error.ts";
import { displayName, type ByteString } from "../model/bytes-path.ts";
import type { DirectoryNode, LeafNode, Node } from "../model/node.ts";
import { splitPath } from "./safe-path.ts";

/** A directory of the tree: its own attributes and who is in it. */
export class Directory {
  node: DirectoryNode;
  readonly children = new Map<ByteString, Directory | LeafNode>();

  constructor(node: DirectoryNode) {
    this.node = node;
  }

  /** Children in the order of their names' bytes. */
  sorted(): [ByteString, Directory | LeafNode][] {
    // Byte strings compare like their bytes with the plain operators; a locale must not matter.
    return [...this.children].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** A directory of its own with the same nodes below: changes to one are not seen in the other. */
  clone(): Directory {
    const copy = new Directory(this.node);
    const stack: [Directory, Directory][] = [[this, copy]];
    for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
      const [from, to] = pair;
      for (const [name, child] of from.children) {
        if (child instanceof Directory) {
          const made = new Directory(child.node);
          to.children.set(name, made);
          stack.push([child, made]);
        } else to.children.set(name, child);
      }
    }
    return copy;
  }
}

export interface Visit {
  /** Without a leading slash; empty for the root. */
  readonly path: ByteString;
  readonly node: Node;
}

const plainDirectory: DirectoryNode = {
  type: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
};

/**
 * Everything that will be in an image, in memory, with contents by reference.
 *
 * Paths are byte strings without a leading slash and are taken literally: no symlink of the tree is followed here
 * (`resolve-path.ts` does that), and no path can leave the tree.
 */
export class FileTree {
  readonly root: Directory;

  constructor(root: DirectoryNode | Directory = plainDirectory) {
    this.root = root instanceof Directory ? root : new Directory(root);
  }

  /** What is at the path, or undefined. */
  get(path: ByteString): Node | undefined {
    const found = this.lookup(path);
    return found instanceof Directory ? found.node : found;
  }

  /** The directory object or leaf at the path, or undefined. */
  lookup(path: ByteString): Directory | LeafNode | undefined {
    let at: Directory | LeafNode = this.root;
    for (const name of splitPath(path)) {
      const next: Directory | LeafNode | undefined =
        at instanceof Directory ? at.children.get(name) : undefined;
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  /**
   * Puts a node at the path. A directory put where one is changes its attributes and keeps its children; anything else
   * replaces what was there, with all below it. Missing parents are made (0755, root's, time 0, or as `parents` says);
   * a parent that is not a directory is replaced by one.
   */
  put(path: ByteString, node: Node, parents: DirectoryNode = plainDirectory): void {
    const names = splitPath(path);
    const last = names.pop();
    if (last === undefined) {
      if (node.type !== "directory") {
        throw new FormatError(
          "tree/root-not-directory",
          `the root of a tree can't be a ${node.type}`,
        );
      }
      this.root.node = node;
      return;
    }
    let at = this.root;
    for (const name of names) {
      const next = at.children.get(name);
      if (next instanceof Directory) at = next;
      else {
        const made = new Directory(parents);
        at.children.set(name, made);
        at = made;
      }
    }
    if (node.type !== "directory") {
      at.children.set(last, node);
      return;
    }
    const existing = at.children.get(last);
    if (existing instanceof Directory) existing.node = node;
    else at.children.set(last, new Directory(node));
  }

  /** Takes away what is at the path, with all below it. Says whether there was something. */
  remove(path: ByteString): boolean {
    const names = splitPath(path);
    const last = names.pop();
    if (last === undefined) {
      const had = this.root.children.size > 0;
      this.root.children.clear();
      return had;
    }
    const parent = this.lookup(names.join("/"));
    return parent instanceof Directory && parent.children.delete(last);
  }

  /** Another name for the node at `existing`. @throws {FormatError} `tree/link-target` */
  link(path: ByteString, existing: ByteString): void {
    const node = this.lookup(existing);
    if (node === undefined || node instanceof Directory) {
      throw new FormatError(
        "tree/link-target",
        `${displayName(path)} is a hard link to ${displayName(existing)}, which is ${node === undefined ? "not there" : "a directory"}`,
      );
    }
    this.put(path, node);
  }

  /** Everything, parents before their children, names in the order of their bytes. The root comes first. */
  *walk(): Generator<Visit> {
    yield { path: "", node: this.root.node };
    const stack = [{ prefix: "", entries: this.root.sorted().values() }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const step = top.entries.next();
      if (step.done === true) {
        stack.pop();
        continue;
      }
      const [name, child] = step.value;
      const path = top.prefix + name;
      if (child instanceof Directory) {
        yield { path, node: child.node };
        stack.push({ prefix: `${path}/`, entries: child.sorted().values() });
      } else yield { path, node: child };
    }
  }

  /** A tree of its own with the same nodes: changes to one are not seen in the other. Hard links stay linked. */
  clone(): FileTree {
    return new FileTree(this.root.clone());
  }
}

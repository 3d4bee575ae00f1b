import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Content } from "../../src/model/content.ts";
import type { FileNode } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

interface Entry {
  readonly text?: string;
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly mtimeSeconds?: number;
}

/** A tree from a literal: a text is a file of 0644, a name that ends in `/` a directory, `{ link }` a symlink. */
export function treeOf(entries: Readonly<Record<string, string | Entry>>): FileTree {
  const tree = new FileTree();
  for (const [path, value] of Object.entries(entries)) {
    const entry = typeof value === "string" ? { text: value } : value;
    const shared = { uid: entry.uid ?? 0, gid: 0, mtimeSeconds: entry.mtimeSeconds ?? 1 };
    if (entry.link !== undefined) {
      tree.put(path, { type: "symlink", mode: 0o777, target: entry.link, ...shared });
    } else if (path.endsWith("/")) {
      tree.put(path, { type: "directory", mode: entry.mode ?? 0o755, ...shared });
    } else {
      const bytes = Buffer.from(entry.text ?? "");
      const content: Content = { kind: "bytes", bytes };
      const mode = entry.mode ?? 0o644;
      tree.put(path, { type: "file", mode, sizeBytes: bytes.length, content, ...shared });
    }
  }
  return tree;
}

/** The same tree with every content somewhere else, as in a layer or an image, and the function that reads it. */
export function farAway(tree: FileTree): {
  tree: FileTree;
  read: (node: FileNode) => Promise<Uint8Array>;
  reads: () => number;
} {
  const stored: Uint8Array[] = [];
  let reads = 0;
  const moved = tree.clone();
  const source = {
    name: "far away",
    read: () => {
      throw new Error("the test reads nodes, not extents");
    },
  };
  for (const { path, node } of tree.walk()) {
    if (node.type !== "file" || node.content.kind !== "bytes") continue;
    stored.push(node.content.bytes);
    const position = stored.length - 1;
    const lengthBytes = node.sizeBytes;
    moved.put(path, { ...node, content: { kind: "extent", source, position, lengthBytes } });
  }
  return {
    tree: moved,
    reads: () => reads,
    read: async (node) => {
      reads += 1;
      if (node.content.kind === "bytes") return node.content.bytes;
      if (node.content.kind === "extent") return stored[node.content.position] ?? new Uint8Array();
      throw new Error("unexpected kind of content");
    },
  };
}

/** For trees that hold all their contents. */
export const noReads = async (): Promise<never> => {
  throw new Error("no content lies outside the tree");
};

/** The text of a file that the tree holds. */
export function textAt(tree: FileTree, path: string): string {
  const node = tree.get(path);
  if (node?.type !== "file" || node.content.kind !== "bytes") {
    throw new Error(`no text at ${path}: ${node?.type ?? "nothing"}`);
  }
  return Buffer.from(node.content.bytes).toString("utf8");
}

/** The mode of what is at the path, in octal; for a symlink `→ target`; undefined where nothing is. */
export function modeAt(tree: FileTree, path: string): string | undefined {
  const node = tree.get(path);
  if (node === undefined) return undefined;
  return node.type === "symlink" ? `→ ${node.target}` : node.mode.toString(8);
}

/** Writes a tree of small files to a folder, with its scripts changed by `edit`. */
export function writeTree(
  tree: FileTree,
  folder: string,
  edit: (script: string, folder: string) => string = (script) => script,
): void {
  for (const { path, node } of tree.walk()) {
    const file = join(folder, path);
    if (node.type === "directory") mkdirSync(file, { recursive: true });
    else if (node.type === "symlink") symlinkSync(node.target, file);
    else if (node.type === "file" && node.content.kind === "bytes") {
      writeFileSync(file, edit(Buffer.from(node.content.bytes).toString("utf8"), folder));
      chmodSync(file, node.mode);
    }
  }
}

/**
 * A script with its absolute paths turned to paths in the folder, so that it can be tried without a container: what is
 * in `/.singularity.d` and `/scif`.
 */
export function relocated(script: string, folder: string): string {
  // An app has a folder `scif` of its own, which is no absolute path.
  return script.replaceAll(/\/\.singularity\.d|(?<![\w}])\/scif/g, (place) => join(folder, place));
}

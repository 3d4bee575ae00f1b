import type { ContentSource } from "../model/content.ts";
import type { FileNode } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";

/**
 * The files of a tree with each content once: hard links are one file, and files that refer to the same bytes (a layer
 * that only changed an owner, say) are read once.
 */
export class DistinctContents {
  /** In the order of a walk of the tree. Empty files are not among them. */
  readonly files: FileNode[] = [];
  totalBytes = 0;
  readonly #representatives = new Map<FileNode, FileNode>();
  readonly #sizes = new Map<number, number>();

  constructor(tree: FileTree) {
    const seen = new Set<FileNode>();
    const byContent = new Map<unknown, FileNode>();
    const bySource = new Map<ContentSource, Map<string, FileNode>>();
    for (const { node } of tree.walk()) {
      if (node.type !== "file" || node.sizeBytes === 0 || seen.has(node)) continue;
      seen.add(node);
      const { content } = node;
      let known = byContent.get(content);
      if (known === undefined && content.kind === "extent") {
        const { source, position, lengthBytes, data } = content;
        const ranges = data?.map((range) => `${range.offset}+${range.lengthBytes}`).join() ?? "";
        const key = `${position} ${lengthBytes} ${ranges}`;
        const ofSource = bySource.get(source) ?? new Map<string, FileNode>();
        bySource.set(source, ofSource);
        known = ofSource.get(key);
        if (known === undefined) ofSource.set(key, node);
      }
      if (known?.sizeBytes === node.sizeBytes) {
        this.#representatives.set(node, known);
        continue;
      }
      byContent.set(content, node);
      this.files.push(node);
      this.totalBytes += node.sizeBytes;
      this.#sizes.set(node.sizeBytes, (this.#sizes.get(node.sizeBytes) ?? 0) + 1);
    }
  }

  /** The file in `files` that has the content of this one. */
  representative(node: FileNode): FileNode {
    return this.#representatives.get(node) ?? node;
  }

  /** Whether another of the contents is as long. */
  sharesSize(node: FileNode): boolean {
    return (this.#sizes.get(node.sizeBytes) ?? 0) > 1;
  }
}

import type { FileNode } from "../model/node.ts";
import { readContents } from "./read-contents.ts";

/**
 * All bytes of one file of a tree, holes as zeros. For small files: it is in memory as a whole.
 * @throws what `readContents` throws
 */
export async function readNode(node: FileNode): Promise<Uint8Array> {
  const { content } = node;
  if (content.kind === "bytes") return content.bytes;
  const bytes = new Uint8Array(node.sizeBytes);
  let at = 0;
  for await (const chunk of readContents([node])) {
    if (chunk.bytes === undefined) at += chunk.zeros;
    else {
      bytes.set(chunk.bytes, at);
      at += chunk.bytes.length;
    }
  }
  return bytes;
}

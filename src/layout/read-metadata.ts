import { displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { FileNode } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { placeOf } from "./place.ts";

/** Gives the bytes of a file of the tree, whose contents may lie in a layer, an image or a folder. */
export type ReadNode = (node: FileNode) => Promise<Uint8Array>;

/** The largest file that is read as metadata. Real ones are a few kilobytes; a base image may lie. */
export const maxMetadataBytes = 16 * 1024 * 1024;

/**
 * What a file of metadata holds, as a byte string, or undefined where there is no regular file. Links are followed
 * inside the tree.
 * @throws {FormatError} `layout/metadata-too-large`
 */
export async function readMetadata(
  tree: FileTree,
  path: ByteString,
  readNode: ReadNode,
): Promise<ByteString | undefined> {
  const node = tree.get(placeOf(tree, path));
  if (node?.type !== "file") return undefined;
  if (node.sizeBytes > maxMetadataBytes) {
    throw tooLarge(`/${displayName(path)}`, node.sizeBytes, maxMetadataBytes);
  }
  const { content } = node;
  const bytes = content.kind === "bytes" ? content.bytes : await readNode(node);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The error for metadata that nobody could have meant. `what` is a path, or several things together. */
export function tooLarge(what: string, sizeBytes: number, limitBytes: number): FormatError {
  return new FormatError(
    "layout/metadata-too-large",
    `${what} in the image: ${sizeBytes} bytes, more than the ${limitBytes} that it may have`,
    { hint: "look at what the base image or %post put there, and remove it in %post" },
  );
}

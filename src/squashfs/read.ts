import type { FileHandle } from "node:fs/promises";
import type { Attributes, LeafNode } from "../model/node.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import type { DecodedInode } from "./decode-inode.ts";
import { readImageTables, type ImageTables } from "./image-tables.ts";
import { InodeWalk, type DirectoryInode, type LeafInode } from "./inode-walk.ts";

/**
 * The tree of a SquashFS 4.0 image. Tables are read now, contents when somebody asks: the file must stay open until
 * then, and is not closed here. Images from elsewhere may be damaged or made to do harm; what doesn't fit ends in an
 * error, in time and memory that the image's size bounds.
 *
 * @param name the image, for messages
 * @throws {FormatError} `squashfs/not-squashfs`, `squashfs/unsupported`, `squashfs/damaged`
 * @throws {HostError} `host/file-unreadable`
 */
export async function readSquashfs(
  file: FileHandle,
  offsetBytes: number,
  sizeBytes: number,
  name = "the image",
): Promise<FileTree> {
  const tables = await readImageTables(file, offsetBytes, sizeBytes, name);
  const walk = new InodeWalk(tables);
  const root = walk.root();
  const tree = new FileTree({ type: "directory", ...attributesOf(root, tables) });
  const links = new Map<number, LeafNode>();
  const stack: [Directory, DirectoryInode, number][] = [[tree.root, root, 0]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [directory, listed, length] = top;
    for (const { name: child, inode, reference, pathBytes } of walk.list(listed, length)) {
      if (inode.type === "directory") {
        const made = new Directory({ type: "directory", ...attributesOf(inode, tables) });
        directory.children.set(child, made);
        stack.push([made, inode, pathBytes]);
        continue;
      }
      const node = links.get(reference) ?? leafNode(inode, tables);
      if (inode.links > 1) links.set(reference, node);
      directory.children.set(child, node);
    }
  }
  tables.source.arrange();
  return tree;
}

function leafNode(inode: LeafInode, tables: ImageTables): LeafNode {
  const attributes = attributesOf(inode, tables);
  if (inode.type === "file") {
    const { type, sizeBytes } = inode;
    return { type, ...attributes, sizeBytes, content: tables.source.add(inode) };
  }
  if (inode.type === "symlink") return { type: inode.type, ...attributes, target: inode.target };
  if ("major" in inode) {
    return { type: inode.type, ...attributes, major: inode.major, minor: inode.minor };
  }
  return { type: inode.type, ...attributes };
}

function attributesOf(inode: DecodedInode, { ids, xattrs }: ImageTables): Attributes {
  const set = xattrs?.get(inode.xattrs);
  return {
    mode: inode.mode,
    uid: ids.readUInt32LE(4 * inode.uid),
    gid: ids.readUInt32LE(4 * inode.gid),
    mtimeSeconds: inode.mtimeSeconds,
    ...(set === undefined ? {} : { xattrs: set }),
  };
}

// A folder of the host as a tree, without extended attributes: enough to measure packing.

import { lstatSync, readdirSync, readlinkSync } from "node:fs";
import type { Attributes, LeafNode } from "../src/model/node.ts";
import { Directory, FileTree } from "../src/tree/file-tree.ts";

/** Follows no links. Hard links become one node. */
export function scanFolder(folder: string): FileTree {
  const links = new Map<string, LeafNode>();
  const tree = new FileTree({ type: "directory", ...attributesOf(lstatSync(folder)) });
  const stack: [string, Directory][] = [[folder, tree.root]];
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    const [path, directory] = pair;
    for (const name of readdirSync(path, { encoding: "buffer" })) {
      const file = Buffer.concat([Buffer.from(`${path}/`), name]);
      const stats = lstatSync(file);
      const key = name.toString("latin1");
      const attributes = attributesOf(stats);
      if (stats.isDirectory()) {
        const child = new Directory({ type: "directory", ...attributes });
        directory.children.set(key, child);
        stack.push([file.toString(), child]);
        continue;
      }
      const identity = `${stats.dev}:${stats.ino}`;
      const known = links.get(identity);
      if (known !== undefined) {
        directory.children.set(key, known);
        continue;
      }
      let node: LeafNode;
      if (stats.isFile()) {
        const content = { kind: "host-file", path: file } as const;
        node = { type: "file", ...attributes, sizeBytes: stats.size, content };
      } else if (stats.isSymbolicLink()) {
        const target = readlinkSync(file, { encoding: "buffer" }).toString("latin1");
        node = { type: "symlink", ...attributes, target };
      } else if (stats.isFIFO()) node = { type: "fifo", ...attributes };
      else if (stats.isSocket()) node = { type: "socket", ...attributes };
      else {
        const type = stats.isBlockDevice() ? "block-device" : "character-device";
        // Linux' device numbers in 64 bits: major 12 + 20 bits, minor 8 + 12 bits.
        const major = Math.floor(stats.rdev / 256) % 4096;
        const minor = (stats.rdev % 256) + Math.floor(stats.rdev / 2 ** 20) * 256;
        node = { type, ...attributes, major, minor };
      }
      directory.children.set(key, node);
      if (stats.nlink > 1) links.set(identity, node);
    }
  }
  return tree;
}

function attributesOf(stats: {
  mode: number;
  uid: number;
  gid: number;
  mtimeMs: number;
}): Attributes {
  return {
    mode: stats.mode % 0o10000,
    uid: stats.uid,
    gid: stats.gid,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
  };
}

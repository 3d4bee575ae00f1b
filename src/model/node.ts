// What a file tree is made of. Nodes are values: a change replaces the node. Two names that hold the same node object
// are hard links of each other.

import type { ByteString } from "./bytes-path.ts";
import type { Content } from "./content.ts";

export interface Attributes {
  /** Permission bits with set-id and sticky bits: 12 bits, written in octal. */
  readonly mode: number;
  /** 0 to 2³² − 2. */
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, may be negative. */
  readonly mtimeSeconds: number;
  /** Full names (`security.capability`, `user.x`) and binary values; absent rather than empty. */
  readonly xattrs?: ReadonlyMap<ByteString, Uint8Array> | undefined;
}

export interface FileNode extends Attributes {
  readonly type: "file";
  /** Bytes that a reader sees, holes included. */
  readonly sizeBytes: number;
  readonly content: Content;
}

export interface SymlinkNode extends Attributes {
  readonly type: "symlink";
  readonly target: ByteString;
}

export interface DeviceNode extends Attributes {
  readonly type: "character-device" | "block-device";
  readonly major: number;
  readonly minor: number;
}

export interface SpecialNode extends Attributes {
  readonly type: "fifo" | "socket";
}

/** A directory's own attributes; who is in it is the tree's business. */
export interface DirectoryNode extends Attributes {
  readonly type: "directory";
}

export type LeafNode = FileNode | SymlinkNode | DeviceNode | SpecialNode;
export type Node = LeafNode | DirectoryNode;
export type NodeType = Node["type"];

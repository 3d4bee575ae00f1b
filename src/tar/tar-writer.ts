// Writes a tree as a pax archive (POSIX.1-2001 "pax Interchange Format"), entry for entry in the order of the tree:
//
//   extended header x, where the header can't hold all    header    contents, padded to 512
//   two blocks of zeros
//
// Extended attributes are `SCHILY.xattr.NAME` records, as GNU tar, Docker and containerd read them.

import type { ByteString } from "../model/bytes-path.ts";
import { FormatError } from "../model/error.ts";
import type { FileNode, Node, NodeType } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { blockBytes } from "./tar-header.ts";

/** Gives a file's bytes, holes as zeros. */
export type ReadFile = (node: FileNode) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const typeLetters: Readonly<Record<Exclude<NodeType, "socket">, string>> = {
  file: "0",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

/**
 * The archive of a tree, in pieces. Names are as in the tree, those of directories with a slash at the end; the root is
 * `./`. A later name of a node is a hard link to its first. Sockets are left out, as tar has none.
 * @throws {FormatError} `contents/size` when a file's bytes are not as many as its node says; and what `readFile` throws
 */
export async function* tarOf(tree: FileTree, readFile: ReadFile): AsyncGenerator<Uint8Array> {
  const names = new Map<Node, ByteString>();
  for (const { path, node } of tree.walk()) {
    if (node.type === "socket") continue;
    const first = node.type === "directory" ? undefined : names.get(node);
    names.set(node, first ?? path);
    if (first !== undefined) yield headers(path, node, "1", first, 0);
    else if (node.type === "file") {
      yield headers(path, node, typeLetters.file, "", node.sizeBytes);
      yield* paddedContents(path, node, readFile);
    } else {
      const target = node.type === "symlink" ? node.target : "";
      const name = node.type === "directory" ? `${path === "" ? "." : path}/` : path;
      yield headers(name, node, typeLetters[node.type], target, 0);
    }
  }
  yield Buffer.alloc(2 * blockBytes);
}

async function* paddedContents(
  path: ByteString,
  node: FileNode,
  readFile: ReadFile,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const bytes of readFile(node)) {
    done += bytes.length;
    if (done > node.sizeBytes) break;
    yield bytes;
  }
  if (done !== node.sizeBytes) {
    throw new FormatError(
      "contents/size",
      `${path} should have ${node.sizeBytes} bytes, and ${done > node.sizeBytes ? "more" : done} were read`,
    );
  }
  const padding = paddingOf(done);
  if (padding > 0) yield Buffer.alloc(padding);
}

const paddingOf = (sizeBytes: number) => (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

/** The header of an entry, with an extended header before it where it needs one. */
function headers(
  name: ByteString,
  node: Node,
  type: string,
  linkName: ByteString,
  sizeBytes: number,
): Buffer {
  const records: Buffer[] = [];
  const add = (keyword: string, value: ByteString | Uint8Array) =>
    records.push(paxRecord(keyword, value));
  const block = Buffer.alloc(blockBytes);
  const text = (at: number, length: number, value: ByteString, keyword: string) => {
    block.write(value.slice(0, length), at, "latin1");
    if (value.length > length) add(keyword, value);
  };
  const number = (at: number, digits: number, value: number, keyword: string) => {
    const fits = value >= 0 && value < 8 ** digits;
    block.write((fits ? value : 0).toString(8).padStart(digits, "0"), at, "latin1");
    if (!fits) add(keyword, String(value));
  };
  text(0, 100, name, "path");
  number(100, 7, node.mode, "mode");
  number(108, 7, node.uid, "uid");
  number(116, 7, node.gid, "gid");
  number(124, 11, sizeBytes, "size");
  number(136, 11, node.mtimeSeconds, "mtime");
  block.write(type, 156, "latin1");
  text(157, 100, linkName, "linkpath");
  block.write("ustar\x0000", 257, "latin1");
  const isDevice = node.type === "character-device" || node.type === "block-device";
  number(329, 7, isDevice ? node.major : 0, "SCHILY.devmajor");
  number(337, 7, isDevice ? node.minor : 0, "SCHILY.devminor");
  if (type !== "1") {
    for (const [xattr, value] of node.xattrs ?? []) {
      add(`SCHILY.xattr.${xattr.replaceAll("%", "%25").replaceAll("=", "%3D")}`, value);
    }
  }
  const header = withChecksum(block);
  if (records.length === 0) return header;
  const body = Buffer.concat(records);
  const extended = Buffer.alloc(blockBytes);
  extended.write("PaxHeaders/entry", 0, "latin1");
  for (const at of [100, 108, 116]) extended.write("0000000", at, "latin1");
  extended.write(body.length.toString(8).padStart(11, "0"), 124, "latin1");
  extended.write("00000000000", 136, "latin1");
  extended.write("x", 156, "latin1");
  extended.write("ustar\x0000", 257, "latin1");
  return Buffer.concat([
    withChecksum(extended),
    body,
    Buffer.alloc(paddingOf(body.length)),
    header,
  ]);
}

function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** `LENGTH KEYWORD=VALUE\n`, where the length counts its own digits too. */
function paxRecord(keyword: ByteString, value: ByteString | Uint8Array): Buffer {
  const content = typeof value === "string" ? Buffer.from(value, "latin1") : value;
  const rest = keyword.length + content.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([
    Buffer.from(`${length} ${keyword}=`, "latin1"),
    content,
    Buffer.from("\n", "latin1"),
  ]);
}

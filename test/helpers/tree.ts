// Trees from literals, for tests: tree({ "bin/sh": file("…", { mode: 0o755 }), "etc/link": link("…") }).

import { toByteString } from "../../src/model/bytes-path.ts";
import type {
  Attributes,
  DeviceNode,
  DirectoryNode,
  FileNode,
  Node,
  SpecialNode,
  SymlinkNode,
} from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

export type SomeAttributes = Partial<Omit<Attributes, "xattrs">> & {
  /** Name → value as UTF-8 or bytes. */
  readonly xattrs?: Readonly<Record<string, string | Uint8Array>>;
};

function attributes(mode: number, given: SomeAttributes = {}): Attributes {
  const { xattrs, ...rest } = given;
  const values = Object.entries(xattrs ?? {}).map(
    ([name, value]) =>
      [name, typeof value === "string" ? Buffer.from(value, "utf8") : value] as const,
  );
  const plain = { mode, uid: 0, gid: 0, mtimeSeconds: 0, ...rest };
  return values.length === 0 ? plain : { ...plain, xattrs: new Map(values) };
}

/** A file of 0644 with the text. */
export function file(text: string | Uint8Array = "", given?: SomeAttributes): FileNode {
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  const content = { kind: "bytes", bytes } as const;
  return { type: "file", ...attributes(0o644, given), sizeBytes: bytes.length, content };
}

/** A symlink; the target is text. */
export function link(target: string, given?: SomeAttributes): SymlinkNode {
  return { type: "symlink", ...attributes(0o777, given), target: toByteString(target) };
}

/** A directory of 0755. */
export function directory(given?: SomeAttributes): DirectoryNode {
  return { type: "directory", ...attributes(0o755, given) };
}

export function device(
  type: DeviceNode["type"],
  major: number,
  minor: number,
  given?: SomeAttributes,
): DeviceNode {
  return { type, ...attributes(0o600, given), major, minor };
}

export function special(type: SpecialNode["type"], given?: SomeAttributes): SpecialNode {
  return { type, ...attributes(0o644, given) };
}

/**
 * A tree of the nodes, by path. A text stands for a file with it. The same node object under two paths is a hard link.
 * Missing parents are made as `FileTree.put` does.
 */
export function tree(nodes: Readonly<Record<string, Node | string>>): FileTree {
  const made = new FileTree();
  for (const [path, node] of Object.entries(nodes)) {
    made.put(toByteString(path), typeof node === "string" ? file(node) : node);
  }
  return made;
}

import { bytesOf, type ByteString } from "../model/bytes-path.ts";
import type { LeafNode } from "../model/node.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";

/** Something on disk that is still needed under a name that goes away. */
export interface Endangered {
  readonly node: LeafNode;
  /** Where it is now. */
  readonly path: ByteString;
  /** The file itself under a new name, or only its contents, for a file with other attributes. */
  readonly need: "inode" | "contents";
}

/** How one tree came out of another, node by node. Without a tree before, everything is new. */
export class TreeChange {
  readonly before: FileTree | undefined;
  readonly #after: FileTree;
  readonly #placesBefore: ReadonlyMap<LeafNode, readonly ByteString[]>;
  readonly #placesAfter: ReadonlyMap<LeafNode, readonly ByteString[]>;

  constructor(before: FileTree | undefined, after: FileTree) {
    this.before = before;
    this.#after = after;
    this.#placesBefore = before === undefined ? new Map() : placesOf(before);
    this.#placesAfter = before === undefined ? new Map() : placesOf(after);
  }

  /** Whether the file on disk only needs other attributes: same contents, and all its names, and no others, go along. */
  isOnlyAttributes(before: LeafNode, after: LeafNode): boolean {
    if (!hasSameSubstance(before, after) || this.#placesAfter.has(before)) return false;
    const names = this.#placesBefore.get(before) ?? [];
    const newNames = this.#placesAfter.get(after) ?? [];
    return names.length === newNames.length && names.every((name, i) => name === newNames[i]);
  }

  /** A name under which the node is on disk, before and after. */
  stayingPlace(node: LeafNode): ByteString | undefined {
    return this.#placesBefore.get(node)?.find((path) => this.#after.lookup(path) === node);
  }

  /** What has to be brought to safety before any name is taken away. @param folder the real path of the folder */
  *endangered(folder: ByteString): Generator<Endangered> {
    for (const [node, places] of this.#placesAfter) {
      const old = this.#placesBefore.get(node)?.[0];
      if (old !== undefined) {
        if (this.stayingPlace(node) === undefined) yield { node, path: old, need: "inode" };
        continue;
      }
      if (node.type !== "file" || node.content.kind !== "host-file") continue;
      const first = this.before?.lookup(places[0] ?? "");
      if (
        first !== undefined &&
        !(first instanceof Directory) &&
        this.isOnlyAttributes(first, node)
      ) {
        continue;
      }
      const inside = bytesOf(`${folder}/`);
      const { path } = node.content;
      if (path.subarray(0, inside.length).equals(inside)) {
        yield { node, path: path.toString("latin1", inside.length), need: "contents" };
      }
    }
  }
}

function placesOf(tree: FileTree): Map<LeafNode, ByteString[]> {
  const places = new Map<LeafNode, ByteString[]>();
  for (const { path, node } of tree.walk()) {
    if (node.type === "directory") continue;
    const known = places.get(node);
    if (known === undefined) places.set(node, [path]);
    else known.push(path);
  }
  return places;
}

/** Whether two nodes differ in their attributes at most. */
function hasSameSubstance(a: LeafNode, b: LeafNode): boolean {
  if (a.type === "file") {
    return b.type === "file" && a.content === b.content && a.sizeBytes === b.sizeBytes;
  }
  if (a.type === "symlink") return b.type === "symlink" && a.target === b.target;
  if (a.type === "character-device" || a.type === "block-device") {
    return b.type === a.type && a.major === b.major && a.minor === b.minor;
  }
  return b.type === a.type;
}

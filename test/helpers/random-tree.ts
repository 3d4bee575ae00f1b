// Random trees for property tests: odd names, hard links, copies, holes, special files, extended attributes.

import { createHash } from "node:crypto";
import fc from "fast-check";
import type { Content, ContentSource, DataRange } from "../../src/model/content.ts";
import type { Attributes, FileNode, LeafNode } from "../../src/model/node.ts";
import { FileTree } from "../../src/tree/file-tree.ts";

export interface RandomTreeOptions {
  /** Contents are up to a few times this long, and often exactly as long. */
  readonly blockBytes: number;
  /** Names and targets that any tool's listing can show: printable, no spaces or backslashes. */
  readonly tameNames?: boolean;
}

const seconds = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constant(1_700_000_000));
const owner = fc.oneof(fc.constantFrom(0, 1, 1000), fc.integer({ min: 0, max: 0xffff_fffe }));

const xattrs = fc.option(
  fc.dictionary(
    fc.constantFrom("user.a", "user.b\xff", "trusted.overlay", "security.capability"),
    fc.uint8Array({ maxLength: 40 }),
    { minKeys: 1, maxKeys: 3 },
  ),
  { freq: 4, nil: undefined },
);

const attributes: fc.Arbitrary<Attributes> = fc
  .record({
    mode: fc.oneof(fc.constantFrom(0o644, 0o755, 0o4755), fc.integer({ min: 0, max: 0o7777 })),
    uid: owner,
    gid: owner,
    mtimeSeconds: seconds,
    xattrs,
  })
  .map(({ xattrs: set, ...rest }) =>
    set === undefined ? rest : { ...rest, xattrs: new Map(Object.entries(set)) },
  );

/** Bytes that depend on a seed alone: a run of one value, text-like, or random. */
function someBytes(seed: number, length: number): Buffer {
  const kind = seed % 4;
  if (kind === 0) return Buffer.alloc(length);
  if (kind === 1) return Buffer.alloc(length, `line ${seed}\n`);
  const pieces: Buffer[] = [];
  for (let at = 0; at < length; at += 32) {
    pieces.push(createHash("sha256").update(`${seed} ${at}`).digest());
  }
  return Buffer.concat(pieces).subarray(0, length);
}

/** A source that has all the extents of a tree, one behind the other, and gives them in chunks of odd sizes. */
class MemorySource implements ContentSource {
  readonly name = "memory";
  #bytes = Buffer.alloc(0);

  add(bytes: Buffer): number {
    const position = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    return position;
  }

  async *read(wanted: readonly { readonly position: number; readonly lengthBytes: number }[]) {
    for (const [index, { position, lengthBytes }] of wanted.entries()) {
      for (let at = 0; at < lengthBytes; at += 1777) {
        const end = position + Math.min(lengthBytes, at + 1777);
        yield { index, bytes: this.#bytes.subarray(position + at, end) };
      }
    }
  }
}

export function randomTree({ blockBytes, tameNames }: RandomTreeOptions): fc.Arbitrary<FileTree> {
  const name =
    tameNames === true
      ? fc.constantFrom("a", "b", "bin", "data-1", "zz", "Z", "0")
      : fc.oneof(
          fc.constantFrom("a", "b", "bin", "B", "\xff", "\x01", " ", "n".repeat(255)),
          fc
            .uint8Array({ minLength: 1, maxLength: 6 })
            .map((bytes) => Buffer.from(bytes).toString("latin1"))
            .filter((text) => !/^\.\.?$|[/\0]/.test(text)),
        );
  const length = fc.oneof(
    fc.constantFrom(0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes),
    fc.nat({ max: 4 * blockBytes }),
  );
  const content = fc.record({
    seed: fc.nat({ max: 11 }),
    parts: fc.oneof(
      fc.array(length, { minLength: 1, maxLength: 1 }),
      fc.array(length, { maxLength: 5 }),
    ),
    isExtent: fc.boolean(),
  });
  const target = tameNames === true ? fc.constantFrom("a", "../b") : fc.constantFrom("a", "\xff/b");
  const entry = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 4 }),
    attributes,
    what: fc.oneof(
      fc.record({ kind: fc.constant("file" as const), content }),
      fc.record({ kind: fc.constant("directory" as const) }),
      fc.record({ kind: fc.constant("link" as const), to: fc.nat() }),
      fc.record({ kind: fc.constant("symlink" as const), target }),
      fc.record({
        kind: fc.constantFrom("character-device" as const, "block-device" as const),
        major: fc.integer({ min: 0, max: 4095 }),
        minor: fc.integer({ min: 0, max: 1_048_575 }),
      }),
      fc.record({ kind: fc.constantFrom("fifo" as const, "socket" as const) }),
    ),
  });
  return fc.array(entry, { maxLength: 25 }).map((entries) => {
    const tree = new FileTree();
    const source = new MemorySource();
    const leaves: LeafNode[] = [];
    for (const { path, attributes: own, what } of entries) {
      const at = path.join("/");
      if (what.kind === "link") {
        const existing = leaves[what.to % Math.max(1, leaves.length)];
        if (existing !== undefined) tree.put(at, existing);
        continue;
      }
      if (what.kind === "directory") {
        tree.put(at, { type: "directory", ...own });
        continue;
      }
      const leaf = leafOf(what, own, source);
      leaves.push(leaf);
      tree.put(at, leaf);
    }
    return tree;
  });
}

type What =
  | {
      readonly kind: "file";
      readonly content: { seed: number; parts: number[]; isExtent: boolean };
    }
  | { readonly kind: "symlink"; readonly target: string }
  | {
      readonly kind: "character-device" | "block-device";
      readonly major: number;
      readonly minor: number;
    }
  | { readonly kind: "fifo" | "socket" };

function leafOf(what: What, own: Attributes, source: MemorySource): LeafNode {
  if (what.kind === "file") return fileOf(what.content, own, source);
  if (what.kind === "symlink") {
    return { type: "symlink", ...own, mode: 0o777, target: what.target };
  }
  if ("major" in what) return { type: what.kind, ...own, major: what.major, minor: what.minor };
  return { type: what.kind, ...own };
}

/** Parts alternate: data, hole, data … */
function fileOf(
  { seed, parts, isExtent }: { seed: number; parts: number[]; isExtent: boolean },
  own: Attributes,
  source: MemorySource,
): FileNode {
  const data: DataRange[] = [];
  const pieces = parts.map((size, index) => {
    const offset = parts.slice(0, index).reduce((sum, part) => sum + part, 0);
    if (index % 2 === 1) return Buffer.alloc(size);
    data.push({ offset, lengthBytes: size });
    return someBytes(seed, size);
  });
  const bytes = Buffer.concat(pieces);
  let content: Content = { kind: "bytes", bytes };
  if (isExtent) {
    const stored = Buffer.concat(pieces.filter((_, index) => index % 2 === 0));
    content = {
      kind: "extent",
      source,
      position: source.add(stored),
      lengthBytes: stored.length,
      ...(parts.length > 1 ? { data } : {}),
    };
  }
  return { type: "file", ...own, sizeBytes: bytes.length, content };
}

import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { parseCompression } from "../../src/squashfs/compression.ts";
import { readSquashfs } from "../../src/squashfs/read.ts";
import {
  writeSquashfs,
  type SquashfsOptions,
  type SquashfsWritten,
} from "../../src/squashfs/write.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import type { TreeList } from "./list-tree.ts";
import { scratch } from "./scratch.ts";
import { treeEntries } from "./tree-entries.ts";

export interface WrittenImage {
  readonly path: string;
  readonly file: FileHandle;
  readonly written: SquashfsWritten;
}

/** A SquashFS image of a tree in a file of its own, gone after the test. */
export async function squashfsOf(
  t: ExecutionContext,
  tree: FileTree,
  options: Partial<SquashfsOptions> = {},
): Promise<WrittenImage> {
  const path = join(await scratch(t), "image.squashfs");
  const file = await open(path, "w+");
  t.teardown(() => file.close());
  return { path, file, written: await writeImage(tree, file, options) };
}

export async function writeImage(
  tree: FileTree,
  file: FileHandle,
  options: Partial<SquashfsOptions> = {},
): Promise<SquashfsWritten> {
  return writeSquashfs(
    tree,
    { file, offset: 0 },
    {
      compressor: parseCompression("fast"),
      timeSeconds: 1_700_000_000,
      workers: 1,
      ...options,
    },
  );
}

/** What is in an image, as our own reader sees it. */
export async function entriesOfImage(file: FileHandle): Promise<TreeList> {
  const { size } = await file.stat();
  return treeEntries(await readSquashfs(file, 0, size));
}

/** What must be in an image of a tree: the tree, with times that the format can hold. */
export async function expectedEntries(tree: FileTree): Promise<TreeList> {
  const list = await treeEntries(tree);
  for (const entry of Object.values(list)) {
    const times = entry as { mtimeSeconds: number };
    times.mtimeSeconds = Math.min(0xffff_ffff, Math.max(0, times.mtimeSeconds));
  }
  return list;
}

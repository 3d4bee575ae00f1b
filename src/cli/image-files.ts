// The commands that look into an image without running it: `unpack`, `ls` and `cat`.

import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import { readContents } from "../contents/read-contents.ts";
import { writeFolder } from "../folder/write-folder.ts";
import { toByteString } from "../model/bytes-path.ts";
import { UsageError } from "../model/error.ts";
import { Directory, FileTree } from "../tree/file-tree.ts";
import { listTree } from "../tree/list-tree.ts";
import { resolvePath } from "../tree/resolve-path.ts";
import { openAnyImage } from "./open-any-image.ts";
import type { Terminal } from "./terminal.ts";

/** `tsbuild unpack IMAGE FOLDER`: the root file system as a folder, which must not exist yet. */
export async function unpackCommand(
  operands: readonly string[],
  _flags: object,
  terminal: Terminal,
): Promise<number> {
  const [name = "", target = ""] = operands;
  const folder = resolve(terminal.folder, target);
  if ((await lstat(folder).catch(() => undefined)) !== undefined) {
    throw new UsageError("target/exists", `the folder ${target} already exists`, {
      hint: "name a folder that does not exist yet",
    });
  }
  await using image = await openAnyImage(name, terminal.folder);
  await writeFolder(image.tree, folder);
  return 0;
}

/** `tsbuild ls IMAGE [PATH]`: what is in a directory of the image, or all below it with `--recursive`. */
export async function lsCommand(
  operands: readonly string[],
  flags: { readonly recursive?: boolean },
  terminal: Terminal,
): Promise<number> {
  const [name = "", path = "/"] = operands;
  await using image = await openAnyImage(name, terminal.folder);
  const { tree } = image;
  const found = tree.lookup(resolvePath(tree, toByteString(path), { followLast: true }).path);
  if (found === undefined) throw missing(name, path);
  for (const line of listTree(treeOf(found, path, flags.recursive === true))) {
    terminal.stdout.write(`${line}\n`);
  }
  return 0;
}

/** A tree of what is to be listed: a directory with its children, or one file alone. */
function treeOf(
  found: ReturnType<FileTree["lookup"]>,
  path: string,
  isRecursive: boolean,
): FileTree {
  const tree = new FileTree();
  if (!(found instanceof Directory)) {
    if (found !== undefined) tree.put(toByteString(path), found);
    return tree;
  }
  tree.root.node = found.node;
  for (const [name, child] of found.sorted()) {
    const isFlat = child instanceof Directory && !isRecursive;
    tree.root.children.set(name, isFlat ? new Directory(child.node) : child);
  }
  return tree;
}

/** `tsbuild cat IMAGE PATH…`: what files of the image hold. */
export async function catCommand(
  operands: readonly string[],
  _flags: object,
  terminal: Terminal,
): Promise<number> {
  const [name = "", ...paths] = operands;
  await using image = await openAnyImage(name, terminal.folder);
  const { tree } = image;
  for (const path of paths) {
    const { node } = resolvePath(tree, toByteString(path), { followLast: true });
    if (node === undefined) throw missing(name, path);
    if (node.type !== "file") {
      throw new UsageError("usage/not-a-file", `${path} in ${name} is a ${node.type}`, {
        hint: "tsbuild ls shows what is in a directory",
      });
    }
    for await (const chunk of readContents([node])) {
      // The bytes are ours until the next are asked for, and a socket takes them when it can.
      if (chunk.bytes !== undefined) terminal.stdout.write(Buffer.from(chunk.bytes));
      else writeZeros(chunk.zeros, terminal);
    }
  }
  return 0;
}

const zeros = new Uint8Array(1024 * 1024);

/** A hole may be larger than the memory. */
function writeZeros(count: number, { stdout }: Terminal): void {
  for (let left = count; left > 0; left -= zeros.length) {
    stdout.write(zeros.subarray(0, Math.min(left, zeros.length)));
  }
}

function missing(name: string, path: string): UsageError {
  return new UsageError("usage/no-such-path", `there is no ${path} in ${name}`, {
    hint: `tsbuild ls ${name} shows what there is`,
  });
}

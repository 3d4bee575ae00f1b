import type { FileNode } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { resolvePath } from "../tree/resolve-path.ts";
import { elfArchitecture } from "./elf-architecture.ts";

/** Reads the beginning of a file, or all of it. */
export type ReadStart = (node: FileNode, lengthBytes: number) => Promise<Uint8Array>;

const startBytes = 64;

/**
 * Contents may lie deep in a compressed layer, so each look can cost as much as reading the layer. Every image of use
 * has a program among its first executables.
 */
const maxTries = 40;

/**
 * The architecture of an image, in Go's words: that of its `/bin/sh`, symlinks followed inside the tree, as Apptainer
 * determines it. Where there is no such program, that of the first executable file that is an ELF file.
 * @returns undefined when none of the first 40 executables is one
 * @throws what `readStart` throws
 */
export async function imageArchitecture(
  tree: FileTree,
  readStart: ReadStart,
): Promise<string | undefined> {
  let tries = 0;
  for (const node of candidates(tree)) {
    if (tries >= maxTries) return undefined;
    tries++;
    const architecture = elfArchitecture(await readStart(node, startBytes));
    if (architecture !== undefined) return architecture;
  }
  return undefined;
}

function* candidates(tree: FileTree): Generator<FileNode> {
  let shell: FileNode | undefined;
  try {
    const { node } = resolvePath(tree, "bin/sh");
    if (node?.type === "file") shell = node;
  } catch {
    // A loop of symlinks is no shell.
  }
  if (shell !== undefined) yield shell;
  for (const { node } of tree.walk()) {
    const isProgram =
      node.type === "file" && (node.mode & 0o111) !== 0 && node.sizeBytes >= startBytes;
    if (isProgram && node !== shell) yield node;
  }
}

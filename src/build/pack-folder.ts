import { dirname, join } from "node:path";
import { writeFolder } from "../folder/write-folder.ts";
import type { Listener } from "../model/event.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { takePlace } from "../system/take-place.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { placeholdersIn } from "./placeholders.ts";
import type { BuildRun } from "./run-plan.ts";
import type { StageState } from "./stage.ts";

/**
 * Puts the tree in its place as a sandbox folder, whole or not at all: it is made in a temporary folder beside the target
 * and renamed. What was there before goes only then.
 * @returns the bytes of all files
 */
export async function packFolder(stage: StageState, { options }: BuildRun): Promise<number> {
  const { target, signal } = options;
  await using beside = await TemporaryFolder.create(dirname(target), {});
  const made = join(beside.folder, "rootfs");
  // What %post left on disk may lie on another file system, so a rename is tried and a copy made where it fails.
  if (stage.sandbox === undefined) await writeFolder(stage.tree, made, { signal });
  else {
    await stage.sandbox.write(stage.tree, signal);
    await stage.sandbox.moveTo(made);
  }
  signal.throwIfAborted();
  const old = await takePlace(made, target);
  if (old !== undefined) await removeFolderTree(old);
  tellPlaceholders(placeholdersIn(stage.tree, target), options.listener);
  return sizeOf(stage.tree);
}

const mostNamed = 20;

function tellPlaceholders(paths: readonly string[], listener: Listener): void {
  if (paths.length === 0) return;
  const more = paths.length - mostNamed;
  const names = paths.slice(0, mostNamed).join(", ") + (more > 0 ? ` and ${more} more` : "");
  listener({
    type: "warning",
    code: "folder/placeholder",
    message: `only root can make devices: in the sandbox these are empty files: ${names}`,
    hint: "build a SIF file, which holds them whoever builds it, or build the sandbox as root",
  });
}

function sizeOf(tree: FileTree): number {
  const seen = new Set<unknown>();
  let bytes = 0;
  for (const { node } of tree.walk()) {
    if (node.type !== "file" || seen.has(node)) continue;
    seen.add(node);
    bytes += node.sizeBytes;
  }
  return bytes;
}

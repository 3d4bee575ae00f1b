import type { FileTree } from "../tree/file-tree.ts";
import { placeFile, type LayoutContext } from "./place.ts";

/** The runscript of a base that was made rather than fetched (`scratch`, `host`, …): it does nothing. */
export function applyMadeRunscript(tree: FileTree, context: LayoutContext): void {
  placeFile(tree, ".singularity.d/runscript", "#!/bin/sh\n", 0o755, context);
}

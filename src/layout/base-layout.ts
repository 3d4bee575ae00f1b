import type { ByteString } from "../model/bytes-path.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { actionScripts } from "./action-scripts.ts";
import { envScripts } from "./env-scripts.ts";
import {
  ensureDirectory,
  forceMode,
  placeDirectory,
  placeFile,
  placeLink,
  placeOf,
  type LayoutContext,
} from "./place.ts";

const ownDirectories = [".singularity.d/libs", ".singularity.d/actions", ".singularity.d/env"];

/** Folders that every root file system has, from the root. */
export const mountPoints = ["dev", "proc", "root", "var/tmp", "tmp", "etc", "sys", "home"];

// No link for `start`: nothing but a runtime starts instances.
const links = [
  [".exec", ".singularity.d/actions/exec"],
  [".run", ".singularity.d/actions/run"],
  [".shell", ".singularity.d/actions/shell"],
  [".test", ".singularity.d/actions/test"],
  ["environment", ".singularity.d/env/90-environment.sh"],
  ["singularity", ".singularity.d/runscript"],
] as const;

const runscript = `#!/bin/sh
echo "There is no runscript defined for this container"
`;

const startscript = `#!/bin/sh
# The definition has no %startscript: an instance of this image starts nothing.
`;

const scripts: readonly (readonly [path: ByteString, text: string])[] = [
  ...Object.entries(actionScripts).map(
    ([name, text]) => [`.singularity.d/actions/${name}`, text] as const,
  ),
  ...Object.entries(envScripts).map(
    ([name, text]) => [`.singularity.d/env/${name}`, text] as const,
  ),
  [".singularity.d/runscript", runscript],
  [".singularity.d/startscript", startscript],
];

/**
 * Lays over a root file system what every image has: the directories that a runtime mounts things on, the scripts under
 * `/.singularity.d` and the links to them.
 *
 * With `overwrite` every file is written anew, and `/etc/hosts` and `/etc/resolv.conf` become empty; without it files
 * that are there keep their contents, which is right for a base that is an image already. Modes are forced either way.
 * The result is the tree that Apptainer 1.4 makes, with scripts of our own; see docs/decisions for what differs.
 */
export function applyBaseLayout(
  tree: FileTree,
  context: LayoutContext & { readonly overwrite: boolean },
): void {
  const root = tree.root.node;
  // A root directory that its owner can't write to could not be unpacked and added to.
  if ((root.mode & 0o200) === 0) tree.root.node = { ...root, mode: root.mode | 0o200 };
  for (const path of ownDirectories) ensureDirectory(tree, path, context);
  for (const path of mountPoints) placeDirectory(tree, path, context);
  for (const path of ["etc/hosts", "etc/resolv.conf"]) placeEmptyFile(tree, path, context);
  for (const [path, text] of scripts) {
    if (context.overwrite || tree.get(placeOf(tree, path))?.type !== "file") {
      placeFile(tree, path, text, 0o755, context);
    } else forceMode(tree, path, 0o755);
  }
  for (const [name, target] of links) placeLink(tree, name, target, context);
}

/**
 * The runtime mounts the host's file over this one, so it has to be there. A link that leads nowhere in the image is
 * replaced. (Apptainer fails there, or follows the link on the host and empties the host's file.)
 */
function placeEmptyFile(
  tree: FileTree,
  path: ByteString,
  context: LayoutContext & { readonly overwrite: boolean },
): void {
  if (context.overwrite || tree.get(placeOf(tree, path))?.type !== "file") {
    placeFile(tree, path, "", 0o644, context);
  } else forceMode(tree, path, 0o644);
}

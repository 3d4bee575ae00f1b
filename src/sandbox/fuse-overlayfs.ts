// fuse-overlayfs(1): an overlay by a program, for kernels that refuse theirs: to plain users before Linux 5.11, and where
// the upper layer would be on an overlay, as in a container. It differs from a folder in more than the kernel's does
// (versions 1.10 to 1.16):
//
//   .wh.NAME                  is how it notes that NAME is gone; a script can't make such a file
//   names of 252 bytes        can't be made, paths beyond 4096 bytes neither
//   what it copies up         loses: set-id bits, if root is not owner and group (a directory's always); the times of
//                             symlinks and their owners; that it was a fifo
//   devices and sockets below  can't be removed: they would have to be copied up first, and opened for that
//   set-group-id directories  give new directories neither their group nor the bit
//   times of birth            are not shown

import { fuseNotes, notesPrefix } from "../folder/fuse-notes.ts";
import type { Node } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import type { LowerLayer, OverlayWay } from "./overlay-way.ts";

// It says nothing when it is ready: the mount point is on another device then. Bytes are written through (`writeback`), so
// that a full disk shows in the call that writes, and nothing is forced to the disk (`volatile`).
const script = `
if ! [ -w /dev/fuse ]; then
  echo "fuse-overlayfs: /dev/fuse is missing or may not be opened" >&2
  exit 1
fi
fuse-overlayfs -f -o "lowerdir=base,upperdir=upper,workdir=work,volatile,writeback=0$1" rootfs \\
  3>&- 4<&- < /dev/null > /dev/null &
DAEMON=$!
BEFORE=$(stat -c %d .)
until [ "$(stat -c %d rootfs)" != "$BEFORE" ]; do
  kill -0 "$DAEMON" 2> /dev/null || exit 1
  sleep 0.02
done
`.trim();

/** Names have 255 bytes at most, four of which are taken. */
const longestName = 251;
/** The rest is for names that scripts make below. */
const longestPath = 3500;

const setIds = 0o6000;

export const fuseOverlayfs: OverlayWay = {
  name: "fuse-overlayfs",
  programs: ["fuse-overlayfs"],
  keepsRunning: true,
  script,
  words: (isMachineRoot) => [isMachineRoot ? ",dev" : ""],
  upperRefusal: () => undefined,
  refusal: ({ tree, hasNotes }: LowerLayer) =>
    hasNotes
      ? "the disk can't hold all of the base, and fuse-overlayfs shows no times of birth to tell inodes by"
      : stranger(tree),
  harms,
  notes: fuseNotes,
};

function harms(node: Node): boolean {
  const isRoots = node.uid === 0 && node.gid === 0;
  const hasSetIds = (node.mode & setIds) !== 0;
  if (node.type === "directory") return hasSetIds;
  if (node.type === "file") return hasSetIds && !isRoots;
  return node.type !== "symlink" || !isRoots || node.xattrs !== undefined;
}

/** Names of attributes on a layer's root from which it takes owners and modes. */
const override = /^(?:user|security|trusted)\..*override_stat$/;

/** What it would take for its own note, can't find, or would open as soon as it is to go. */
function stranger(tree: FileTree): string | undefined {
  for (const { path, node } of tree.walk()) {
    if (/-device$|^socket$/.test(node.type)) {
      return `fuse-overlayfs can neither change nor remove the ${node.type} /${path} of the base`;
    }
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (name.startsWith(notesPrefix)) {
      return `fuse-overlayfs would take a file of the base for its own note: /${path}`;
    }
    if (name.length > longestName || path.length > longestPath) {
      return "the base has a name that is too long for fuse-overlayfs";
    }
  }
  if ([...(tree.root.node.xattrs?.keys() ?? [])].some((name) => override.test(name))) {
    return "fuse-overlayfs would take the owners of files from attributes in the base";
  }
  return undefined;
}

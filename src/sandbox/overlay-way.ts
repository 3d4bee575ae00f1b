import type { UpperNotes } from "../folder/upper-notes.ts";
import type { Node } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";

/** Who can lay a folder for changes over a folder that stays as it is. Listed in `overlay-ways.ts`, best first. */
export interface OverlayWay {
  readonly name: "overlay" | "fuse-overlayfs";
  /** Programs that it needs besides those of util-linux. */
  readonly programs: readonly string[];
  /** Whether one of them has to run as long as the overlay is mounted. */
  readonly keepsRunning: boolean;
  /**
   * Text for a shell in a mount namespace of its own, whose working folder has `base`, `upper`, `work` and `rootfs`: mounts
   * the last one, or exits. The number of a process that has to run as long as it is mounted is left in `DAEMON`.
   */
  readonly script: string;
  /** The text's arguments. @param isMachineRoot no user namespace stands between this process and the machine */
  words(isMachineRoot: boolean): readonly string[];
  /** Why a folder can't be the upper layer though it can be mounted so; told as mount's own reasons are. */
  upperRefusal(folder: string): string | undefined;
  /** Why a base can't be the lower layer, in words that follow "because". */
  refusal(base: LowerLayer): string | undefined;
  /** Whether something of the lower layer would change otherwise than it should when it is copied up. */
  harms(node: Node): boolean;
  /** What it notes in the upper layer. */
  readonly notes: UpperNotes;
}

/** What there is to be known of a lower layer. */
export interface LowerLayer {
  readonly tree: FileTree;
  /** Whether something is noted by inode because the disk can't hold it. */
  readonly hasNotes: boolean;
}

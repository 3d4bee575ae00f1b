import { kernelNotes } from "../folder/kernel-notes.ts";
import type { OverlayWay } from "./overlay-way.ts";
import { upperRefusal } from "./upper-refusal.ts";

const script = `
for OPTIONS; do
  if mount -n -t overlay -o "lowerdir=base,upperdir=upper,workdir=work,$OPTIONS" tsbuild rootfs; then
    OPTIONS=
    break
  fi
done
[ -z "$OPTIONS" ] || exit 1
`.trim();

/** The kernel's own (Documentation/filesystems/overlayfs.rst). */
export const kernelOverlay: OverlayWay = {
  name: "overlay",
  programs: [],
  keepsRunning: false,
  script,
  words: optionsToTry,
  upperRefusal,
  refusal: () => undefined,
  harms: () => false,
  notes: kernelNotes,
};

/**
 * What to try, best first. Files are copied up whole (`metacopy`), so that the upper layer can be read alone. Nothing is
 * forced to the disk (`volatile`, Linux 5.10): it is thrown away anyway. The machine's root can rename directories of the
 * lower layer (`redirect_dir`); others get the error EXDEV then, which `mv` knows to deal with, and notes by attributes
 * that they may set (`userxattr`, Linux 5.11). What their disks can't hold is noted by the numbers of inodes, so
 * directories need ones that stay, even where the layers are on two file systems (`xino`).
 */
function optionsToTry(isMachineRoot: boolean): string[] {
  const all = "metacopy=off,index=off";
  return isMachineRoot
    ? [`${all},redirect_dir=on,volatile`, `${all},redirect_dir=on`]
    : [`${all},xino=on,userxattr,volatile`, `${all},xino=on,userxattr`];
}

import { fuseOverlayfs } from "./fuse-overlayfs.ts";
import { kernelOverlay } from "./kernel-overlay.ts";
import type { OverlayWay } from "./overlay-way.ts";

/** The ways to have an overlay, best first. */
export const overlayWays: readonly OverlayWay[] = [kernelOverlay, fuseOverlayfs];

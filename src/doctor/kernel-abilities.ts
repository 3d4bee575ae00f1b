import { accessSync, constants } from "node:fs";
import { probe } from "../isolation/probe.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { chooseOverlay, type OverlayChoice } from "../sandbox/overlay-mount.ts";
import { findProgram } from "../system/find-program.ts";
import { TemporaryFolder } from "../system/temporary-folder.ts";

/** What the kernel can do for this process, each tried. */
export interface KernelAbilities {
  /** A user namespace can be made. */
  readonly userNamespaces: boolean;
  /** Scripts' changes can be laid over a base that is kept, in the folder for temporary files (overlay). */
  readonly overlay: boolean;
  /** File systems of programs can be mounted (FUSE). */
  readonly fuse: boolean;
  /** What lays scripts' changes over a base there: the kernel or a program. */
  readonly overlays: {
    /** Undefined where scripts work on copies. */
    readonly way: string | undefined;
    readonly passedOver: OverlayChoice["passedOver"];
  };
}

/** Tries them all. */
export async function kernelAbilities({
  programs,
  path,
  folder,
}: HostFacts): Promise<KernelAbilities> {
  const { unshare } = programs;
  const userNamespaces =
    unshare !== undefined &&
    (await probe([unshare, "--user", "--map-root-user", "--", "/bin/true"])) === undefined;
  await using made = await TemporaryFolder.create(folder);
  const { way, passedOver } = await chooseOverlay(made.folder, { path });
  return {
    userNamespaces,
    overlay: way?.name === "overlay",
    fuse: canFuse(path),
    overlays: { way: way?.name, passedOver },
  };
}

function canFuse(path: string): boolean {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  return (
    process.geteuid?.() === 0 ||
    ["fusermount3", "fusermount"].some((name) => findProgram(name, path) !== undefined)
  );
}

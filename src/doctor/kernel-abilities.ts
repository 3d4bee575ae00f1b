import { accessSync, constants } from "node:fs";
import { probe } from "../isolation/probe.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { findProgram } from "../system/find-program.ts";

/** What the kernel can do for this process, each tried. */
export interface KernelAbilities {
  /** A user namespace can be made. */
  readonly userNamespaces: boolean;
  /** Layers can be laid over each other in it (overlay). */
  readonly overlay: boolean;
  /** File systems of programs can be mounted (FUSE). */
  readonly fuse: boolean;
}

const overlayTrial = `
mount -n -t tmpfs tsbuild /tmp && cd /tmp && mkdir lower upper work merged || exit 1
mount -n -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr tsbuild merged ||
  mount -n -t overlay -o lowerdir=lower,upperdir=upper,workdir=work tsbuild merged
`;

/** Tries them all: two programs at most. */
export async function kernelAbilities({
  programs,
  path,
  uid,
}: HostFacts): Promise<KernelAbilities> {
  const { unshare } = programs;
  const asRoot = uid === 0 ? [] : ["--map-root-user"];
  const userNamespaces =
    unshare !== undefined &&
    (await probe([unshare, "--user", "--map-root-user", "--", "/bin/true"])) === undefined;
  const overlay =
    unshare !== undefined &&
    (await probe(
      [
        [unshare, ...asRoot, "--mount", "--propagation", "private", "--"],
        ["/bin/sh", "-c", `PATH=${path}; ${overlayTrial}`],
      ].flat(),
    )) === undefined;
  return { userNamespaces, overlay, fuse: canFuse(path) };
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

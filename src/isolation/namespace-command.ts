import { loopbackCommand } from "../system/bring-up-loopback.ts";
import type { HostFacts } from "./host-facts.ts";
import type { FilterLoader } from "./filter-loader.ts";
import type { Mount, RunRequest } from "./isolation.ts";
import { mountHelper } from "./mount-helper.ts";

export interface NamespaceOptions {
  /** The filter to load just before the script starts. */
  readonly loader: FilterLoader | undefined;
  /** The process is a real root, and the kernel does not keep it from changing settings of the machine. */
  readonly guard: boolean;
  /** Drop the user's supplementary groups, which mean nothing inside; a namespace with a single id can't. */
  readonly clearGroups: boolean;
}

/**
 * The argument list of a script in namespaces of its own: mounts, processes, IPC, host name and, if asked for, network.
 * All of it ends when the first process does, and that one ends when tsbuild does.
 */
export function namespaceCommand(
  request: RunRequest,
  facts: HostFacts,
  options: NamespaceOptions,
): string[] {
  const { unshare = "unshare", chroot = "chroot" } = facts.programs;
  const { rootFolder, workFolder, root, mounts, secrets, network, command } = request;
  const { enterCommand = [] } = request;
  const kinds = new Set(mounts.map(({ kind }) => kind));
  return [
    setprivPrefix(facts, options),
    enterCommand,
    [unshare, "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
    ["--ipc", "--uts", ...(network === "none" ? ["--net"] : []), "--"],
    ["/bin/sh", "-c", mountHelper, "tsbuild", rootFolder],
    ["root", root, `${workFolder}/changes`],
    mounts.flatMap((mount) => operation(mount)),
    options.guard && kinds.has("proc") ? ["guard"] : [],
    secrets.flatMap((target) => ["secret", target]),
    network === "none" ? ["lo", ...loopbackCommand()] : [],
    ["--"],
    options.loader?.prefix(workFolder) ?? [],
    [chroot, ".", ...command],
  ].flat();
}

// For setpriv before util-linux 2.33: a process beside the program waits for the end of file descriptor 4, which comes when
// tsbuild ends, and then kills this one process by its number. A program that ends by itself takes the one beside with it:
// tsbuild ends the process group then, before it closes the descriptor.
const lifeline = `
if { true <&4; } 2> /dev/null; then
  (read -r _ <&4; kill -KILL $$) 3>&- > /dev/null 2>&1 &
  exec 4<&-
fi
exec "$@"
`.trim();

/** What makes a program die with the one that started it. */
export function setprivPrefix(
  facts: HostFacts,
  options: { readonly clearGroups: boolean },
): string[] {
  const { setpriv } = facts.programs;
  const knowsDeath = facts.setprivOptions.includes("--pdeathsig");
  const words = [
    ...(knowsDeath ? ["--pdeathsig", "KILL"] : []),
    ...(options.clearGroups ? ["--clear-groups"] : []),
  ];
  return [
    knowsDeath ? [] : ["/bin/sh", "-c", lifeline, "tsbuild"],
    setpriv === undefined || words.length === 0 ? [] : [setpriv, ...words, "--"],
  ].flat();
}

function operation(mount: Mount): string[] {
  if (mount.kind === "tmpfs") return ["tmpfs", mount.mode.toString(8), mount.target];
  if (mount.kind !== "bind") return [mount.kind];
  return [mount.readOnly ? "robind" : "bind", mount.source, mount.target];
}

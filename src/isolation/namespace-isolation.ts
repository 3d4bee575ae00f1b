import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import type { Isolation, WayName } from "./isolation.ts";
import { namespaceCommand, setprivPrefix } from "./namespace-command.ts";

const filters = { kept: "no-devices", noted: "supervised", lost: "fake-root" } as const;

/**
 * Scripts in namespaces, for a process that is root already: the machine's or a user namespace's.
 * @param owners how much the disk and we know of what a script gives away
 */
export function namespaceIsolation(
  name: WayName,
  facts: HostFacts,
  owners: "kept" | "noted" | "lost",
): Isolation {
  const isMachineRoot = facts.isInitialNamespace;
  // The machine's root really can make device nodes; nobody else can.
  const loader = isMachineRoot ? undefined : chooseFilterLoader(facts, filters[owners]);
  return {
    name,
    keepsOwners: owners !== "lost",
    supervision: owners === "noted" ? { expectsChroot: true } : undefined,
    mounts: true,
    files: loader?.files ?? [],
    hostPath: facts.path,
    commandLine: (request) =>
      namespaceCommand(request, facts, {
        loader,
        guard: isMachineRoot,
        clearGroups: owners === "kept",
      }),
    hostCommandLine: (command, workFolder) => [
      ...setprivPrefix(facts, { clearGroups: false }),
      ...(owners === "kept" || loader === undefined
        ? command
        : [...loader.prefix(workFolder), "/usr/bin/env", "--", ...command]),
    ],
  };
}

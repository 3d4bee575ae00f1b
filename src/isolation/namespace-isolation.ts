import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import type { Isolation, WayName } from "./isolation.ts";
import { namespaceCommand, setprivPrefix } from "./namespace-command.ts";

/** Scripts in namespaces, for a process that is root already: the machine's or a user namespace's. */
export function namespaceIsolation(
  name: WayName,
  facts: HostFacts,
  { keepsOwners }: { readonly keepsOwners: boolean },
): Isolation {
  const isMachineRoot = facts.isInitialNamespace;
  // The machine's root really can make device nodes; nobody else can.
  const loader = isMachineRoot
    ? undefined
    : chooseFilterLoader(facts, keepsOwners ? "no-devices" : "fake-root");
  return {
    name,
    keepsOwners,
    mounts: true,
    files: loader?.files ?? [],
    hostPath: facts.path,
    commandLine: (request) =>
      namespaceCommand(request, facts, {
        loader,
        guard: isMachineRoot,
        clearGroups: keepsOwners,
      }),
    hostCommandLine: (command, workFolder) => [
      ...setprivPrefix(facts, { clearGroups: false }),
      ...(keepsOwners || loader === undefined
        ? command
        : [...loader.prefix(workFolder), "/usr/bin/env", "--", ...command]),
    ],
  };
}

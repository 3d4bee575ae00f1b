import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import { mappedIds, wantedIds } from "./id-map.ts";
import type { IdMapRow, Isolation, WayName } from "./isolation.ts";
import { namespaceCommand, setprivPrefix } from "./namespace-command.ts";

/** What is lost where giving files away is only said to have worked. */
export const rootsOwn =
  "files that a script makes or gives away are root's in the image, and keep set-id bits";

/** The same where what is given away is noted (`Witnessing`). */
export const othersAreRoots =
  "files that a script makes as another user are root's in the image, devices are not made, and set-id bits stay where the owner changes; each path is named";

/**
 * What is lost in a user namespace of many ids.
 * @param isNoted whether devices, and owners beyond the 16-bit numbers, are noted (`Supervision`)
 */
export function lossesOfIds(map: readonly IdMapRow[], isNoted: boolean): string[] {
  const ids = mappedIds(map);
  return [
    ...(ids >= wantedIds
      ? []
      : [
          `only the user ids 0 to ${ids - 1} can be owners of files; the image may need up to 65535`,
        ]),
    ...(isNoted ? [] : ["devices that a script makes are not in the image"]),
  ];
}

/**
 * apt downloads as a user of its own and looks whether it really became that one. Where there is no user but root it has
 * to be told.
 */
export const sandboxUser = 'APT::Sandbox::User "root";';

const filters = {
  kept: "no-devices",
  "kept and noted": "beyond-ids",
  noted: "supervised",
  lost: "fake-root",
} as const;

/**
 * Scripts in namespaces, for a process that is root already: the machine's or a user namespace's.
 * @param owners how much the disk and we know of what a script gives away
 */
export function namespaceIsolation(
  name: WayName,
  facts: HostFacts,
  owners: "kept" | "kept and noted" | "noted" | "lost",
): Isolation {
  const isMachineRoot = facts.isInitialNamespace;
  const isKept = owners === "kept" || owners === "kept and noted";
  // The machine's root really can make device nodes; nobody else can.
  const loader = isMachineRoot ? undefined : chooseFilterLoader(facts, filters[owners]);
  return {
    name,
    keepsOwners: owners !== "lost",
    supervision:
      loader !== undefined && (owners === "noted" || owners === "kept and noted")
        ? {
            expectsChroot: true,
            ids: owners === "noted" ? 1 : Math.min(mappedIds(facts.uidMap), 65_536),
          }
        : undefined,
    lacks: [],
    allowsOverlays: true,
    aptSettings: owners === "lost" ? [sandboxUser] : [],
    files: loader?.files ?? [],
    hostPath: facts.path,
    commandLine: (request) =>
      namespaceCommand(request, facts, {
        loader,
        guard: isMachineRoot,
        clearGroups: isKept,
      }),
    hostCommandLine: (command, workFolder) => [
      ...setprivPrefix(facts, { clearGroups: false }),
      ...(isKept || loader === undefined
        ? command
        : [...loader.prefix(workFolder), "/usr/bin/env", "--", ...command]),
    ],
  };
}

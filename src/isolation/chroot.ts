import { hasCapability, type HostFacts } from "./host-facts.ts";
import { mappedIds, usefulIds } from "./id-map.ts";
import type { Isolation, RunRequest, Way } from "./isolation.ts";
import { runTold } from "./mount-helper.ts";
import { setprivPrefix } from "./namespace-command.ts";
import { probe, probeOwners } from "./probe.ts";

const needed = ["chown", "dacOverride", "fowner", "setgid", "setuid", "sysChroot"] as const;

/** Root of a container that may neither mount nor make namespaces, as Docker's is: chroot(1) and nothing else. */
export const chroot: Way = {
  name: "chroot",
  summary: "as root of a container, by plain chroot",
  async check(facts) {
    if (facts.uid !== 0) return { works: false, reason: "you are not root" };
    // On a whole machine a script could reach everything of it; there the other ways work.
    if (facts.isInitialNamespace && hasCapability(facts, "sysAdmin")) {
      return { works: false, reason: "it is only for containers, and this is a machine's root" };
    }
    const missing = needed.filter((name) => !hasCapability(facts, name));
    if (missing.length > 0 || facts.programs.chroot === undefined) {
      return {
        works: false,
        reason: `the container's root lacks ${missing.join(", ") || "chroot(1)"}`,
      };
    }
    if (mappedIds(facts.uidMap) < usefulIds) {
      return { works: false, reason: `only ${mappedIds(facts.uidMap)} user ids are known here` };
    }
    const refused =
      (await probeOwners(facts.folder)) ?? (await probe([facts.programs.chroot, "/", "/bin/true"]));
    if (refused !== undefined) return { works: false, reason: refused };
    return {
      works: true,
      isolation: chrootIsolation(facts),
      entry: undefined,
      losses: [
        "there is no /proc in scripts, and processes, network and host name are the container's own",
        "%test works on a copy of the root file system, and binds are not possible",
      ],
    };
  },
};

// The same protocol as the mount helper's.
const starter = `
IMAGE_PATH=$PATH
PATH=\${TSBUILD_PATH:-$PATH}
unset TSBUILD_PATH
umask 0002
${runTold}
`.trim();

function chrootIsolation(facts: HostFacts): Isolation {
  const { chroot: program = "chroot" } = facts.programs;
  return {
    name: "chroot",
    keepsOwners: true,
    lacks: ["mounts", "network", "secrets", "read-only", "throw-away", "processes"],
    files: [],
    hostPath: facts.path,
    commandLine: ({ rootFolder, command }: RunRequest) => [
      ...setprivPrefix(facts, { clearGroups: true }),
      "/bin/sh",
      "-c",
      starter,
      "tsbuild",
      program,
      rootFolder,
      ...command,
    ],
    hostCommandLine: (command) => [...setprivPrefix(facts, { clearGroups: false }), ...command],
  };
}

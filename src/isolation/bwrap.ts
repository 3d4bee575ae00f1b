import { chooseFilterLoader, filterFileOf, type FilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import { insideCommand } from "./inside-command.ts";
import type { Isolation, Mount, RunRequest, Way } from "./isolation.ts";
import { setprivPrefix } from "./namespace-command.ts";
import { othersAreRoots, rootsOwn, sandboxUser } from "./namespace-isolation.ts";
import { probeSupervision } from "./probe-supervision.ts";
import { probe } from "./probe.ts";

/** A user namespace with root alone, as above all (AppArmor on Ubuntu) allows it to bubblewrap and nobody else. */
export const bwrap: Way = {
  name: "bwrap",
  summary: "as a plain user, by bubblewrap, with a system call filter that makes root of one user",
  async check(facts) {
    if (facts.uid === 0) return { works: false, reason: "it is for plain users, and you are root" };
    const { bwrap: program } = facts.programs;
    if (program === undefined) {
      return {
        works: false,
        reason: "bubblewrap is not installed",
        hint: "install the package bubblewrap, if it may make user namespaces here",
      };
    }
    const loader = chooseFilterLoader(facts, "fake-root");
    if (loader === undefined) {
      return { works: false, reason: "nothing here can load a system call filter" };
    }
    const start = [program, ...namespaces, "--bind", "/", "/", "--dev", "/dev"];
    const ownProc = await probe([...start, "--proc", "/proc", "/bin/true"]);
    const bound = ["--dev-bind", "/proc", "/proc"];
    const refused = ownProc && (await probe([...start, ...bound, "/bin/true"]));
    if (refused !== undefined) {
      return { works: false, reason: `bubblewrap may not make user namespaces (${refused})` };
    }
    const witnessed = (await probeSupervision(facts))
      ? chooseFilterLoader(facts, "witnessed")
      : undefined;
    return {
      works: true,
      isolation: bwrapIsolation(facts, program, ownProc === undefined, witnessed),
      entry: undefined,
      losses: [
        witnessed === undefined ? rootsOwn : othersAreRoots,
        "programs with set-id bits have no effect, and secrets are not possible",
      ],
    };
  },
};

const namespaces = [
  ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"],
  ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"],
].flat();

/** Where the loader is found inside. It hands over the filter's listener by a descriptor that bwrap leaves open. */
const loaderFolder = "/.tsbuild";

function bwrapIsolation(
  facts: HostFacts,
  program: string,
  ownProc: boolean,
  witnessed: FilterLoader | undefined,
): Isolation {
  const loader = chooseFilterLoader(facts, "fake-root");
  const filter = filterFileOf("fake-root");
  const loaderFiles = loader?.files.filter(({ name }) => name !== filter.name) ?? [];
  return {
    name: "bwrap",
    keepsOwners: witnessed !== undefined,
    witness: witnessed && { knowsWorkingFolders: true, showsOwnIds: false, hearsHost: true },
    lacks: ["secrets", "throw-away"],
    aptSettings: [sandboxUser],
    files: [...loaderFiles, filter, ...(witnessed?.files ?? [])],
    ownMounts: (workFolder) =>
      (witnessed?.files ?? []).map(({ name }) => ({
        kind: "bind",
        source: `${workFolder}/${name}`,
        target: `${loaderFolder}/${name}`,
        readOnly: true,
      })),
    hostPath: facts.path,
    commandLine: ({ rootFolder, workFolder, root, network, mounts, command }: RunRequest) =>
      [
        setprivPrefix(facts, { clearGroups: false }),
        // The filter has to come by a file descriptor.
        witnessed === undefined
          ? ["/bin/sh", "-c", 'F=$1; shift; exec "$@" 9< "$F"', "tsbuild"]
          : [],
        witnessed === undefined ? [`${workFolder}/${filter.name}`] : [],
        [program, ...namespaces],
        network === "none" ? ["--unshare-net"] : [],
        [root === "read-only" ? "--ro-bind" : "--bind", rootFolder, "/"],
        mounts.flatMap((mount) => operation(mount, ownProc)),
        ["--chdir", "/", ...(witnessed === undefined ? ["--seccomp", "9"] : []), "--"],
        insideCommand([...(witnessed?.prefix(loaderFolder) ?? []), ...command]),
      ].flat(),
    hostCommandLine: (command, workFolder) => [
      ...setprivPrefix(facts, { clearGroups: false }),
      ...((witnessed ?? loader)?.prefix(workFolder) ?? []),
      "/usr/bin/env",
      "--",
      ...command,
    ],
  };
}

function operation(mount: Mount, ownProc: boolean): string[] {
  switch (mount.kind) {
    case "proc":
      return ownProc ? ["--proc", "/proc"] : ["--dev-bind", "/proc", "/proc"];
    case "sys":
      return ["--ro-bind", "/sys", "/sys"];
    case "dev":
      return ["--dev", "/dev"];
    case "tmpfs":
      return ["--perms", mount.mode.toString(8).padStart(4, "0"), "--tmpfs", mount.target];
    case "bind":
      return [mount.readOnly ? "--ro-bind" : "--dev-bind", mount.source, mount.target];
    default:
      return mount satisfies never;
  }
}

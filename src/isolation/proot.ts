import { captureProgram } from "../system/run-program.ts";
import { chooseFilterLoader } from "./filter-loader.ts";
import type { HostFacts } from "./host-facts.ts";
import { insideCommand } from "./inside-command.ts";
import type { Isolation, IsolationFile, Mount, RunRequest, Way } from "./isolation.ts";
import { setprivPrefix } from "./namespace-command.ts";
import { othersAreRoots, rootsOwn, sandboxUser } from "./namespace-isolation.ts";
import { probeSupervision } from "./probe-supervision.ts";
import { probe } from "./probe.ts";

/**
 * No namespaces at all: proot(1) follows every system call of a script by ptrace(2), tells it that it is root and leads its
 * paths into the root file system.
 *
 * Versions up to 5.4 hand calls that they don't know on to the host's paths, statx(2) above all; a filter hides those, and
 * the C library does without. They also end on an empty link name, which systemd-tmpfiles asks for when packages are set
 * up: a program that does nothing stands for it.
 */
export const proot: Way = {
  name: "proot",
  summary: "as a plain user without any namespace, by proot, which is slow",
  async check(facts) {
    if (facts.uid === 0) return { works: false, reason: "it is for plain users, and you are root" };
    const { proot: program } = facts.programs;
    if (program === undefined) {
      return {
        works: false,
        reason: "proot is not installed",
        hint: "install the package proot: it needs no rights",
      };
    }
    if (chooseFilterLoader(facts, "old-calls") === undefined) {
      return { works: false, reason: "nothing here can load a system call filter" };
    }
    const refused = await probe([program, "-0", "-r", "/", "/bin/true"]);
    if (refused !== undefined) {
      return { works: false, reason: `proot does not work here (${refused})` };
    }
    const isWitnessed =
      (await probeSupervision(facts)) &&
      chooseFilterLoader(facts, "old-calls-witnessed") !== undefined;
    const { stdout } = await captureProgram([program, "--help"], { timeoutMs: 5000 });
    const killsOnExit = stdout.includes("--kill-on-exit");
    return {
      works: true,
      isolation: prootIsolation(facts, program, killsOnExit, isWitnessed),
      entry: undefined,
      losses: [
        isWitnessed ? othersAreRoots : rootsOwn,
        "a mode that denies the owner to read or to write does not hold",
        "devices and file capabilities can't be made, set-id bits have no effect, and it is three to five times slower",
        "%test works on a copy of the root file system, which it can write",
        "dnf may crash when it installs packages with files",
        // It binds them elsewhere where their path on this machine is too long for the call.
        "sockets that a script leaves may be missing",
        "read-only binds can be written; /proc, /dev and all processes are this machine's",
        ...(killsOnExit
          ? []
          : ["a script that leaves programs running does not end, for this proot is too old"]),
      ],
    };
  },
};

/** Where the stand-in is found: in front of PATH, and of the one that apt gives to dpkg. */
const standInFolder = "/.tsbuild";
const standIn: IsolationFile = {
  name: "systemd-tmpfiles",
  bytes: Buffer.from("#!/bin/sh\nexit 0\n"),
  mode: 0o755,
};

function prootIsolation(
  facts: HostFacts,
  program: string,
  killsOnExit: boolean,
  isWitnessed: boolean,
): Isolation {
  const loader = chooseFilterLoader(facts, isWitnessed ? "old-calls-witnessed" : "old-calls");
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return {
    name: "proot",
    keepsOwners: isWitnessed,
    // proot keeps them to itself.
    witness: isWitnessed
      ? { knowsWorkingFolders: false, showsOwnIds: true, hearsHost: false }
      : undefined,
    lacks: ["network", "secrets", "read-only", "throw-away"],
    aptSettings: [sandboxUser, `DPkg::Path "${standInFolder}:${path}";`],
    files: [...(loader?.files ?? []), standIn],
    ownMounts: (workFolder) => [
      {
        kind: "bind",
        source: `${workFolder}/${standIn.name}`,
        target: `${standInFolder}/${standIn.name}`,
        readOnly: true,
      },
    ],
    hostPath: facts.path,
    commandLine: ({ rootFolder, workFolder, mounts, command }: RunRequest) =>
      [
        setprivPrefix(facts, { clearGroups: false }),
        ["/bin/sh", "-c", 'PROOT_TMP_DIR=$1; export PROOT_TMP_DIR; shift; exec "$@"', "tsbuild"],
        [workFolder, ...(loader?.prefix(workFolder) ?? [])],
        [program, ...(killsOnExit ? ["--kill-on-exit"] : []), "-0", "-r", rootFolder],
        mounts.flatMap((mount) => operation(mount)),
        ["-w", "/"],
        insideCommand([
          "/bin/sh",
          "-c",
          `PATH=${standInFolder}:$PATH; exec "$@"`,
          "sh",
          ...command,
        ]),
      ].flat(),
    hostCommandLine: (command) => [...setprivPrefix(facts, { clearGroups: false }), ...command],
  };
}

function operation(mount: Mount): string[] {
  if (mount.kind === "bind") return ["-b", `${mount.source}:${mount.target}`];
  return mount.kind === "tmpfs" ? [] : ["-b", `/${mount.kind}`];
}

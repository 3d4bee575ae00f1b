import { lstatSync } from "node:fs";
import type { PassedOver } from "../isolation/choose.ts";
import type { HostFacts } from "../isolation/host-facts.ts";
import { mountOptions } from "../system/mount-options.ts";
import { getXattr } from "../system/syscalls.ts";
import type { Finding } from "./finding.ts";
import { coreUtilities, idMapPrograms, installCommand, utilLinux } from "./install-command.ts";
import type { KernelState } from "./kernel-state.ts";

export type Cause = Omit<Finding, "severity">;

/**
 * Why a way of isolation does not work here, as somebody can do something about it: told from what the kernel answered to
 * the attempt, and from the settings that give such an answer. Undefined where nothing is wrong, the way is only for
 * others.
 */
export function isolationCause(
  passed: PassedOver,
  facts: HostFacts,
  kernel: KernelState,
): Cause | undefined {
  const { reason } = passed;
  if (/^(?:you are (?:not root|root$|the machine's root)|it is only for)/.test(reason))
    return undefined;
  return (
    missingProgram(reason, facts) ??
    subordinateIds(reason, facts) ??
    idMap(reason, facts, kernel) ??
    owners(reason, facts) ??
    capabilities(reason) ??
    namespaces(reason, kernel) ??
    mounts(reason, kernel)
  );
}

function missingProgram(reason: string, facts: HostFacts): Cause | undefined {
  if (/newuidmap and newgidmap are not installed/.test(reason)) {
    return {
      code: "host/no-newuidmap",
      message: "newuidmap and newgidmap, which write the map of your ids, are not installed",
      ...install(installCommand(idMapPrograms, facts.path), "the package uidmap or shadow-utils"),
    };
  }
  if (/too old or not from util-linux/.test(reason)) {
    return {
      code: "host/old-util-linux",
      message: `${facts.programs.unshare} is too old, or not that of util-linux`,
      ...install(installCommand(utilLinux, facts.path), "util-linux 2.32 or newer"),
    };
  }
  const [, programs] =
    /(\S+(?: and \S+)?) (?:is|are) not installed \(util-linux\)/.exec(reason) ?? [];
  if (programs !== undefined) {
    const missing = (["unshare", "setpriv", "mount"] as const).filter(
      (name) => facts.programs[name] === undefined,
    );
    return {
      code: "host/program-missing",
      message: `${missing.join(" and ") || programs} can't be found or started`,
      ...install(installCommand(utilLinux, facts.path), "util-linux"),
    };
  }
  if (/lacks chroot\(1\)/.test(reason)) {
    return {
      code: "host/program-missing",
      message: "chroot can't be found or started",
      ...install(installCommand(coreUtilities, facts.path), "coreutils"),
    };
  }
  return undefined;
}

function install(command: string | undefined, what: string): Pick<Cause, "hint" | "command"> {
  return command === undefined
    ? { hint: `install ${what}` }
    : { hint: `an administrator installs it: ${command}`, command };
}

function subordinateIds(reason: string, facts: HostFacts): Cause | undefined {
  const [, file] = /^no range of at least \d+ ids for .* in (\S+)$/.exec(reason) ?? [];
  if (file === undefined) return undefined;
  const command = `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${facts.userName}`;
  return {
    code: "host/no-subuid",
    message: `${facts.userName} has no range of ids of its own in ${file}`,
    hint: `an administrator gives one, free of others' ranges: ${command}`,
    command,
  };
}

function idMap(reason: string, facts: HostFacts, kernel: KernelState): Cause | undefined {
  if (!/id map of a user namespace could not be written/.test(reason)) return undefined;
  const { newuidmap = "", newgidmap = "" } = facts.programs;
  if (kernel.noNewPrivileges) {
    return {
      code: "host/no-new-privs",
      message: "no_new_privs is set for this process, so newuidmap has no more rights than you",
      hint: "start tsbuild outside of what sets it: a container without --security-opt no-new-privileges, a service without NoNewPrivileges=",
    };
  }
  const programs = [newuidmap, newgidmap];
  const powerless = programs.filter((program) => !hasRights(program));
  if (powerless.length > 0) {
    const command = `chmod u+s ${powerless.join(" ")}`;
    return {
      code: "host/newuidmap-rights",
      message: `${powerless.join(" and ")} may not write id maps: neither set-uid root nor with a capability for it`,
      hint: `an administrator gives the right back: ${command}`,
      command,
    };
  }
  const nosuid = programs.find((program) => mountOptions(program).includes("nosuid"));
  if (nosuid !== undefined) {
    return {
      code: "host/newuidmap-nosuid",
      message: `${nosuid} has no effect: its file system is mounted nosuid`,
      hint: "an administrator mounts it with suid, or installs newuidmap and newgidmap elsewhere",
    };
  }
  return {
    code: "host/id-map",
    message: reason,
    hint: "in a container, newuidmap needs file capabilities in place of set-uid, or the container CAP_SYS_ADMIN",
    command: `setcap cap_setuid+ep ${newuidmap}; setcap cap_setgid+ep ${newgidmap}`,
  };
}

function hasRights(program: string): boolean {
  try {
    const { mode, uid } = lstatSync(program);
    if ((mode & 0o4000) !== 0 && uid === 0) return true;
    return getXattr(Buffer.from(`${program}\0`), "security.capability").length > 0;
  } catch {
    return false;
  }
}

function owners(reason: string, { folder }: HostFacts): Cause | undefined {
  if (!/can't be given to other users/.test(reason)) return undefined;
  return {
    code: "host/folder-owners",
    message: reason,
    hint: `${folder} takes no other owners than you, as network file systems and FAT do, or can't be written: name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR`,
  };
}

function capabilities(reason: string): Cause | undefined {
  if (!/container's root lacks|user ids (?:only|are known here)/.test(reason)) return undefined;
  return {
    code: "host/container-rights",
    message: reason,
    hint: "start the container with its usual capabilities and a full range of users, or with --privileged",
  };
}

const namespaceSettings = ["mnt", "pid", "ipc", "uts"].map((kind) => `user.max_${kind}_namespaces`);

/** `unshare` failed: which setting, filter or module of the kernel says so. */
function namespaces(reason: string, kernel: KernelState): Cause | undefined {
  if (/No space left on device|Too many users/.test(reason)) {
    const settings = ["user.max_user_namespaces", ...namespaceSettings];
    const name = settings.find((one) => Number(kernel.setting(one)) === 0) ?? settings[0] ?? "";
    const command = `sysctl -w ${name}=15000`;
    return {
      code: name === settings[0] ? "host/userns-limit" : "host/namespace-limit",
      message: `no more namespaces may be made here: ${name} is ${kernel.setting(name) ?? "used up"}`,
      hint: `an administrator raises it, and keeps it in /etc/sysctl.d: ${command}`,
      command,
    };
  }
  if (!/you may not make user namespaces/.test(reason)) return undefined;
  if (kernel.setting("kernel.unprivileged_userns_clone") === "0") {
    const command = "sysctl -w kernel.unprivileged_userns_clone=1";
    return {
      code: "host/userns-forbidden",
      message: "kernel.unprivileged_userns_clone keeps user namespaces to root",
      hint: `an administrator allows them, and keeps it in /etc/sysctl.d: ${command}`,
      command,
    };
  }
  if (kernel.setting("kernel.apparmor_restrict_unprivileged_userns") === "1") {
    const command = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
    return {
      code: "host/userns-apparmor",
      message: "AppArmor lets only programs with a profile make user namespaces",
      hint: `an administrator allows them, and keeps it in /etc/sysctl.d: ${command}`,
      command,
    };
  }
  if (kernel.isFiltered) {
    return {
      code: "host/userns-filtered",
      message: "a system call filter forbids user namespaces, as those of containers do",
      hint: "start the container with a filter that allows them: --security-opt seccomp=unconfined, or a profile with unshare, clone, mount and setns",
    };
  }
  return {
    code: "host/userns-refused",
    message: reason,
    hint: "the kernel gives none to who is in a chroot, and to nobody where it was built without them: start tsbuild outside of the chroot, or as root",
  };
}

function mounts(reason: string, kernel: KernelState): Cause | undefined {
  if (!/mount/.test(reason)) return undefined;
  return {
    code: "host/mount-refused",
    message: `nothing can be mounted here: ${reason}`,
    hint: kernel.isFiltered
      ? "a system call filter is loaded, as in containers: start it with --security-opt seccomp=unconfined and --cap-add SYS_ADMIN, or with --privileged"
      : "in a container, start it with --cap-add SYS_ADMIN, or with --privileged",
  };
}

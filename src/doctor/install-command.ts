import { findProgram } from "../system/find-program.ts";

/** What a package with these programs is called by each manager of packages. */
export interface PackageNames {
  readonly apt: string;
  readonly dnf: string;
  readonly zypper: string;
  readonly apk: string;
  readonly pacman: string;
}

export const utilLinux: PackageNames = {
  apt: "util-linux mount",
  dnf: "util-linux",
  zypper: "util-linux",
  apk: "util-linux",
  pacman: "util-linux",
};

export const idMapPrograms: PackageNames = {
  apt: "uidmap",
  dnf: "shadow-utils",
  zypper: "shadow",
  apk: "shadow-uidmap",
  pacman: "shadow",
};

export const coreUtilities: PackageNames = {
  apt: "coreutils",
  dnf: "coreutils",
  zypper: "coreutils",
  apk: "coreutils",
  pacman: "coreutils",
};

const managers = [
  ["apt-get", "apt", "install -y"],
  ["dnf", "dnf", "install -y"],
  ["zypper", "zypper", "install -y"],
  ["apk", "apk", "add"],
  ["pacman", "pacman", "-S --noconfirm"],
] as const;

/** The command that installs a package with the manager that is here, or undefined where none is known. */
export function installCommand(names: PackageNames, path: string): string | undefined {
  const found = managers.find(([program]) => findProgram(program, path) !== undefined);
  return found && `${found[0]} ${found[2]} ${names[found[1]]}`;
}

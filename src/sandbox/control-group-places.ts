// Where control groups can be made: below the one that this process is in (cgroups(7)).
//
//   /proc/self/cgroup        NUMBER:CONTROLLERS:GROUP for each hierarchy, 0::GROUP for version 2
//   /proc/self/mountinfo     … ROOT MOUNTPOINT … - cgroup|cgroup2 SOURCE OPTIONS

import { posix } from "node:path";
import { unescaped } from "../system/mount-options.ts";
import type { Limited } from "./limits.ts";

export interface GroupPlace {
  readonly version: 1 | 2;
  /** The controllers of a hierarchy of version 1; those of version 2 are in a file of the group. */
  readonly controllers: readonly string[];
  /** The folder of our own group. */
  readonly folder: string;
  /** The folder of the outermost group that can be seen. */
  readonly top: string;
}

/** Names of the controllers in both versions. */
export const controllerOf: Readonly<Record<Limited, string>> = {
  memory: "memory",
  cpus: "cpu",
  processes: "pids",
};

/** The places of this process's groups, from the texts of the two files. */
export function groupPlaces(ownGroups: string, mountInfo: string): GroupPlace[] {
  const mounts = mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", mountPoint = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    return [
      {
        version: type === "cgroup" ? (1 as const) : (2 as const),
        root: unescaped(root),
        top: unescaped(mountPoint),
        options: options.split(","),
      },
    ];
  });
  return ownGroups.split("\n").flatMap((line) => {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (match === null) return [];
    const [, number, list = "", group = ""] = match;
    const controllers = list === "" ? [] : list.split(",");
    const version = number === "0" && list === "" ? 2 : 1;
    const mount = mounts.findLast(
      (one) =>
        one.version === version &&
        controllers.every((name) => one.options.includes(name)) &&
        isBelow(group, one.root),
    );
    if (mount === undefined) return [];
    const { top, root } = mount;
    return [{ version, controllers, folder: posix.join(top, posix.relative(root, group)), top }];
  });
}

const isBelow = (group: string, root: string) =>
  root === "/" || group === root || group.startsWith(`${root}/`);

// A program that starts itself again in a user namespace tells the new process by a variable. What it says is checked
// against the kernel: a variable that somebody exported by mistake must not change how a build is run.

import { readlinkSync } from "node:fs";
import { parseIdMap } from "./id-map.ts";
import type { IdMapRow, WayName } from "./isolation.ts";

/** The variable. It is not handed on to any script. */
export const entryVariable = "TSBUILD_ENTERED";

export interface EntryMark {
  readonly way: WayName;
  /** The user outside. */
  readonly uid: number;
  readonly gid: number;
}

const pattern = /^(subid|ident|single):(\d+):(\d+):(\d+)$/;

/** The variable's value for a child of the process `parentPid`. */
export function formatEntryMark(mark: EntryMark, parentPid: number): string {
  return `${mark.way}:${mark.uid}:${mark.gid}:${parentPid}`;
}

export interface OwnProcess {
  readonly uid: number;
  readonly parentPid: number;
  readonly uidMap: readonly IdMapRow[];
  readonly isInitialNamespace: boolean;
}

/**
 * What the variable says, if it is true: the process is root in a user namespace whose root is that user outside, and
 * a child of the process that wrote the variable. Undefined otherwise.
 */
export function readEntryMark(value: string | undefined, self: OwnProcess): EntryMark | undefined {
  const match = pattern.exec(value ?? "");
  if (match === null) return undefined;
  const [, way, uid, gid, parentPid] = match;
  const mark = { way: way as WayName, uid: Number(uid), gid: Number(gid) };
  const root = self.uidMap.find(({ inside }) => inside === 0);
  const isTrue =
    self.uid === 0 &&
    self.parentPid === Number(parentPid) &&
    root?.outside === mark.uid &&
    !self.isInitialNamespace;
  return isTrue ? mark : undefined;
}

/** The kernel gives its first user namespace this inode number (PROC_USER_INIT_INO in proc_ns.h). */
const initialNamespace = "user:[4026531837]";

/** Whether this process is in the machine's own user namespace: its id map may look the same in another. */
export function isInitialNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/user") === initialNamespace;
  } catch {
    return true;
  }
}

/** What this process was told, checked; the variable is gone from the environment afterwards. */
export function takeEntryMark(
  environment: Record<string, string | undefined>,
  readFile: (file: string) => string,
): EntryMark | undefined {
  const value = environment[entryVariable];
  delete environment[entryVariable];
  if (value === undefined) return undefined;
  return readEntryMark(value, {
    uid: process.geteuid?.() ?? -1,
    parentPid: process.ppid,
    uidMap: parseIdMap(readFile("/proc/self/uid_map")),
    isInitialNamespace: isInitialNamespace(),
  });
}

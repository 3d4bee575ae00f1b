import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { findProgram, programPath } from "../system/find-program.ts";
import { captureProgram } from "../system/run-program.ts";
import { parseIdMap } from "./id-map.ts";
import type { IdMapRow } from "./isolation.ts";
import { isInitialNamespace, type EntryMark } from "./entry-mark.ts";

const programNames = [
  "unshare",
  "mount",
  "chroot",
  "setpriv",
  "newuidmap",
  "newgidmap",
  "getsubids",
  "perl",
  "bwrap",
  "proot",
] as const;

type ProgramName = (typeof programNames)[number];

/** What the checks of the ways go by, read once. */
export interface HostFacts {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  /** As `process.arch` has it. */
  readonly architecture: string;
  /** Absolute paths. */
  readonly programs: Readonly<Partial<Record<ProgramName, string>>>;
  /** The long options that this machine's setpriv knows. */
  readonly setprivOptions: readonly string[];
  /** Where the host's programs are looked for: PATH, and the system's folders that plain users often lack in it. */
  readonly path: string;
  /** How the ids of this process stand for those of the namespace around it. */
  readonly uidMap: readonly IdMapRow[];
  readonly gidMap: readonly IdMapRow[];
  /** Whether this is the user namespace of the machine itself; most containers are in it too. */
  readonly isInitialNamespace: boolean;
  /** Effective capabilities, a set of bits (capabilities(7)). */
  readonly capabilities: bigint;
  /** The folder in which root file systems will be: what a file system allows is tried there. */
  readonly folder: string;
  /** How this process was started again in a namespace, if it was. */
  readonly entered: EntryMark | undefined;
}

/** Reads the facts of this machine and process. Starts at most one program. */
export async function readHostFacts(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
  entered: EntryMark | undefined,
): Promise<HostFacts> {
  const path = programPath(environment);
  const programs: Partial<Record<ProgramName, string>> = {};
  for (const name of programNames) {
    const found = findProgram(name, path);
    if (found !== undefined) programs[name] = found;
  }
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    userName: currentUserName(),
    architecture: process.arch,
    programs,
    setprivOptions: await longOptions(programs.setpriv),
    path,
    uidMap: parseIdMap(read("/proc/self/uid_map")),
    gidMap: parseIdMap(read("/proc/self/gid_map")),
    isInitialNamespace: isInitialNamespace(),
    capabilities: BigInt(
      `0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(read("/proc/self/status"))?.[1] ?? "0"}`,
    ),
    folder,
    entered,
  };
}

/** Numbers from capability.h. */
const capabilities = {
  chown: 0n,
  dacOverride: 1n,
  fowner: 3n,
  setgid: 6n,
  setuid: 7n,
  sysChroot: 18n,
  sysAdmin: 21n,
};

/** Whether the process has the capability. */
export function hasCapability(facts: HostFacts, name: keyof typeof capabilities): boolean {
  return ((facts.capabilities >> capabilities[name]) & 1n) === 1n;
}

async function longOptions(setpriv: string | undefined): Promise<readonly string[]> {
  if (setpriv === undefined) return [];
  const { stdout, stderr } = await captureProgram([setpriv, "--help"], { timeoutMs: 5000 });
  return [...new Set(`${stdout}${stderr}`.match(/--[a-z-]+/g))];
}

function currentUserName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in the user database: containers with arbitrary user ids.
    return `${process.geteuid?.() ?? 0}`;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

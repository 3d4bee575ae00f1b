import { accessSync, constants, readFileSync, statfsSync, statSync } from "node:fs";
import type { Choice } from "../isolation/choose.ts";
import { mappedIds, parseIdMap, usefulIds } from "../isolation/id-map.ts";
import type { WayName } from "../isolation/isolation.ts";
import {
  abilities,
  tryFolder,
  type Ability,
  type Shortcoming,
  type TryFolderOptions,
} from "../isolation/try-folder.ts";
import { HostError, type TsbuildError } from "../model/error.ts";
import { fileSystemName } from "../system/file-system-name.ts";
import { mountOptions } from "../system/mount-options.ts";
import type { Cause } from "./isolation-cause.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What can be said of a folder in which scripts are to find their root file system. */
export interface RootPlace {
  /** What was tried there. */
  readonly tried: readonly Ability[];
  readonly shortcomings: readonly Shortcoming[];
  /** Why no build with scripts could be right there. */
  readonly refusal: TsbuildError | undefined;
  /** What scripts there have to do without. */
  readonly warning: Cause | undefined;
}

const texts: Readonly<Record<Ability, string>> = {
  programs: "programs can't be started",
  owners: "files can't be given to other users",
  modes: "files don't keep their modes",
  symlinks: "symbolic links can't be made",
  "hard-links": "hard links can't be made",
  names: "some names can't be used",
  rights: "root can't open what a mode closes",
  births:
    "files have no time of birth, so what they were given to may be forgotten when they are written to",
  locks: "files can't be locked, as package managers do",
  capabilities: "files can't have capabilities",
};

/** What a script is told of, so that nothing goes wrong in silence, or seldom meets. */
export const bearable: ReadonlySet<Ability> = new Set(["births", "locks", "capabilities"]);

/** Owners are on the disk; elsewhere they are noted. */
const keepsOnDisk: ReadonlySet<WayName> = new Set(["root", "subid", "ident", "chroot"]);

/** These are in no namespace that the trial could be in. */
const hasOwnEntry: ReadonlySet<WayName> = new Set(["bwrap", "proot"]);

/**
 * Tries whether scripts can have their root file system in a folder, run by the way that was chosen. Where they can't, the
 * error names the cause, and a folder that the same trial found to do.
 * @throws {HostError} `host/temporary-folder`
 */
export async function examineRootPlace(
  { name, entry }: Pick<Choice, "name" | "entry">,
  folder: string,
  environment: Environment,
): Promise<RootPlace> {
  const isNoted = !keepsOnDisk.has(name);
  const wanted = abilities.filter(
    (ability) =>
      !(ability === "owners" && isNoted) &&
      !(ability === "births" && !isNoted) &&
      !(ability === "rights" && hasOwnEntry.has(name)),
  );
  const options = { entry, wanted };
  const shortcomings = await tryFolder(folder, options);
  const bad = shortcomings.filter(({ ability }) => !bearable.has(ability));
  const all = { tried: wanted, shortcomings };
  if (shortcomings.length === 0) return { ...all, refusal: undefined, warning: undefined };
  const hint = await wayOut(folder, options, environment, bad.length > 0 ? bearable : undefined);
  if (bad.length > 0) {
    const refusal = new HostError(codeOf(bad), messageOf(folder, bad), { hint });
    return { ...all, refusal, warning: undefined };
  }
  const message = `scripts have their files in ${folder} (${nameAt(folder)}), where ${sentence(shortcomings)}`;
  return { ...all, refusal: undefined, warning: { code: "host/folder-limits", message, hint } };
}

/**
 * Tries whether a sandbox can lie in a folder, as it would be written there by this very process.
 * @throws {HostError} `host/temporary-folder`
 */
export async function examineSandboxPlace(
  folder: string,
): Promise<Pick<RootPlace, "refusal" | "warning">> {
  const hasIds = process.geteuid?.() === 0 && mappedIds(parseIdMap(readIdMap())) >= usefulIds;
  const wanted = sandboxAbilities.filter((ability) => hasIds || ability !== "owners");
  const shortcomings = await tryFolder(folder, { wanted });
  const bad = shortcomings.filter(({ ability }) => !bearable.has(ability));
  const hint = "build a SIF file there, which holds everything, or the sandbox on a local disk";
  const where = `${folder} (${nameAt(folder)})`;
  if (bad.length > 0) {
    const message = `the sandbox can't lie in ${where}: ${sentence(bad)}`;
    return { refusal: new HostError(codeOf(bad), message, { hint }), warning: undefined };
  }
  if (shortcomings.length === 0) return { refusal: undefined, warning: undefined };
  const message = `the sandbox lies in ${where}, where ${sentence(shortcomings)}`;
  return { refusal: undefined, warning: { code: "host/folder-limits", message, hint } };
}

const sandboxAbilities: readonly Ability[] = [
  "owners",
  "modes",
  "symlinks",
  "hard-links",
  "names",
  "capabilities",
];

const readIdMap = (): string => readFileSync("/proc/self/uid_map", "latin1");

function codeOf([first]: readonly Shortcoming[]): string {
  if (first?.ability === "programs") return "host/noexec";
  return first?.ability === "owners" ? "host/folder-owners" : "host/folder-unfit";
}

function messageOf(folder: string, shortcomings: readonly Shortcoming[]): string {
  const isNoexec =
    shortcomings[0]?.ability === "programs" && mountOptions(folder).includes("noexec");
  return isNoexec
    ? `no script can run below ${folder}: its file system is mounted noexec`
    : `no root file system for scripts can lie in ${folder} (${nameAt(folder)}): ${sentence(shortcomings)}`;
}

const sentence = (shortcomings: readonly Shortcoming[]): string =>
  shortcomings.map(({ ability, said }) => `${texts[ability]} (${said})`).join("; ");

/** A few gigabytes are needed; less is better than nothing. */
const enoughBytes = 4 * 2 ** 30;
const inMemory: ReadonlySet<string> = new Set(["tmpfs", "ramfs"]);

/**
 * Says where to build instead: in a folder of the machine in which nothing is amiss, on a disk rather than in memory, if
 * there is one.
 * @param excused what may be amiss there, where that is still better
 */
export async function wayOut(
  folder: string,
  options: TryFolderOptions,
  environment: Environment,
  excused: ReadonlySet<Ability> = new Set(),
): Promise<string> {
  const devices = new Set([deviceOf(folder)]);
  const found: { readonly path: string; readonly worth: number }[] = [];
  for (const path of [environment["XDG_RUNTIME_DIR"], "/tmp", "/var/tmp", "/dev/shm"]) {
    const device = path?.startsWith("/") === true ? deviceOf(path) : undefined;
    if (path === undefined || device === undefined || devices.has(device)) continue;
    devices.add(device);
    const shortcomings = await tryFolder(path, options).catch(() => undefined);
    if (shortcomings?.every(({ ability }) => excused.has(ability)) !== true) continue;
    const { bavail, bsize } = statfsSync(path);
    const isDisk = !inMemory.has(nameAt(path)) && bavail * bsize >= enoughBytes;
    found.push({ path, worth: bavail * bsize + (isDisk ? Number.MAX_SAFE_INTEGER : 0) });
  }
  const [best] = found.toSorted((a, b) => b.worth - a.worth);
  return best === undefined
    ? "name a folder on a local disk with --tmpdir or TSBUILD_TMPDIR"
    : `build with --tmpdir ${best.path}, where that can be had, or set TSBUILD_TMPDIR to it`;
}

function deviceOf(folder: string): number | undefined {
  try {
    accessSync(folder, constants.W_OK);
    return statSync(folder).dev;
  } catch {
    return undefined;
  }
}

const nameAt = (folder: string): string =>
  fileSystemName(statfsSync(folder, { bigint: true }).type);

// Control groups that keep a script to its limits, version 2 where it has the controller, else version 1
// (Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of the kernel).

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { keepTidy } from "../system/keeper.ts";
import { captureProgram } from "../system/run-program.ts";
import { controllerOf, groupPlaces, type GroupPlace } from "./control-group-places.ts";
import { wantedLimits, type Limited, type Limits } from "./limits.ts";

/** One folder of a hierarchy. */
interface Group {
  readonly version: 1 | 2;
  readonly folder: string;
  readonly kinds: readonly Limited[];
  readonly keeper: Disposable;
}

const periodMicroseconds = 100_000;
/** What the kernel takes at least. */
const leastQuota = 1000;
const removalLimitMs = 5000;

let count = 0;

/** Groups for one script. Disposing ends what is left in them and takes them away. */
export class ControlGroups implements AsyncDisposable {
  readonly #groups: readonly Group[];

  private constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  /** Makes what can be made here for the limits; `kinds` tells which. */
  static async create(limits: Limits): Promise<ControlGroups> {
    const groups: Group[] = [];
    let left = wantedLimits(limits);
    for (const place of ownPlaces()) {
      const kinds = left.filter((kind) => hasController(place, controllerOf[kind]));
      if (kinds.length === 0) continue;
      const group = await makeGroup(place, kinds, limits);
      if (group === undefined) continue;
      groups.push(group);
      left = left.filter((kind) => !kinds.includes(kind));
    }
    return new ControlGroups(groups);
  }

  /** The limits that are kept. */
  get kinds(): readonly Limited[] {
    return this.#groups.flatMap(({ kinds }) => kinds);
  }

  /** The start of an argument list whose rest runs in the groups. */
  get prefix(): readonly string[] {
    return this.#groups.length === 0 ? [] : joining(this.#groups.map(({ folder }) => folder));
  }

  /** The limit that something was stopped by: a process killed, or one that could not be started. */
  get hit(): Limited | undefined {
    for (const { folder, kinds, version } of this.#groups) {
      const memoryFile = version === 2 ? "memory.events" : "memory.oom_control";
      if (kinds.includes("memory") && counter(folder, memoryFile, "oom_kill") > 0) return "memory";
      if (kinds.includes("processes") && counter(folder, "pids.events", "max") > 0) {
        return "processes";
      }
    }
    return undefined;
  }

  /** The most memory of all processes together at a time, files in the system's cache among it. */
  get peakMemoryBytes(): number | undefined {
    const group = this.#groups.find(({ kinds }) => kinds.includes("memory"));
    if (group === undefined) return undefined;
    const file = group.version === 2 ? "memory.peak" : "memory.max_usage_in_bytes";
    const bytes = Number(read(group.folder, file).trim() || Number.NaN);
    return Number.isFinite(bytes) ? bytes : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.#groups) await remove(group);
  }
}

/** Those of version 2 first. */
function ownPlaces(): GroupPlace[] {
  const places = groupPlaces(read("/proc/self", "cgroup"), read("/proc/self", "mountinfo"));
  return places.toSorted((a, b) => b.version - a.version);
}

function hasController(place: GroupPlace, name: string): boolean {
  if (place.version === 1) return place.controllers.includes(name);
  // Those of the group around ours may not be handed on to it yet.
  return parentsOf(place).some((folder) =>
    read(folder, "cgroup.controllers").trim().split(/\s+/).includes(name),
  );
}

/**
 * Where a group can be made: in our own group; in version 2, where a group with processes can't have groups that are limited,
 * beside it.
 */
function parentsOf({ folder, top, version }: GroupPlace): readonly string[] {
  return version === 1 || folder === top ? [folder] : [folder, posix.dirname(folder)];
}

async function makeGroup(
  place: GroupPlace,
  kinds: readonly Limited[],
  limits: Limits,
): Promise<Group | undefined> {
  const { version } = place;
  for (const parent of parentsOf(place)) {
    const made = posix.join(parent, `tsbuild-${process.pid}-${count++}`);
    const group = { version, folder: made, kinds, keeper: keepTidy("control-group", made) };
    try {
      if (version === 2) enable(parent, kinds);
      mkdirSync(made);
      for (const kind of kinds) limit(group, kind, limits);
      const { exitCode } = await captureProgram([...joining([made]), "/bin/true"]);
      if (exitCode === 0) return group;
    } catch {
      // Not ours to make: it belongs to somebody else, or is read-only, or full.
    }
    await remove(group);
  }
  return undefined;
}

function enable(parent: string, kinds: readonly Limited[]): void {
  const enabled = read(parent, "cgroup.subtree_control").trim().split(/\s+/);
  const missing = kinds.map((kind) => controllerOf[kind]).filter((name) => !enabled.includes(name));
  if (missing.length === 0) return;
  write(parent, "cgroup.subtree_control", missing.map((name) => `+${name}`).join(" "));
}

function limit({ folder, version }: Group, kind: Limited, limits: Limits): void {
  if (kind === "memory") {
    const bytes = String(limits.memoryBytes);
    write(folder, version === 2 ? "memory.max" : "memory.limit_in_bytes", bytes);
    // What would be moved to the swap counts too, where the kernel counts it.
    const [file, value] =
      version === 2 ? ["memory.swap.max", "0"] : ["memory.memsw.limit_in_bytes", bytes];
    try {
      write(folder, file, value);
    } catch {
      // It doesn't.
    }
  } else if (kind === "processes") write(folder, "pids.max", String(limits.processes));
  else {
    const quota = Math.max(leastQuota, Math.round((limits.cpus ?? 1) * periodMicroseconds));
    if (version === 2) write(folder, "cpu.max", `${quota} ${periodMicroseconds}`);
    else {
      write(folder, "cpu.cfs_period_us", String(periodMicroseconds));
      write(folder, "cpu.cfs_quota_us", String(quota));
    }
  }
}

function joining(folders: readonly string[]): string[] {
  const text =
    'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';
  return ["/bin/sh", "-c", text, "tsbuild", ...folders, "--"];
}

/** Ends what is in a group and takes it away: what was killed is in it for another moment. */
async function remove({ folder, keeper }: Group): Promise<void> {
  const started = performance.now();
  for (;;) {
    for (const pid of read(folder, "cgroup.procs").split("\n")) {
      try {
        if (pid !== "") process.kill(Number(pid), "SIGKILL");
      } catch {
        // Gone.
      }
    }
    try {
      rmdirSync(folder);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") break;
      // The keeper takes it away when we end.
      if (performance.now() - started > removalLimitMs) return;
    }
    await sleep(10);
  }
  keeper[Symbol.dispose]();
}

/** The number behind a name in a file of lines `NAME NUMBER`. */
function counter(folder: string, file: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(read(folder, file))?.[1] ?? 0);
}

function read(folder: string, file: string): string {
  try {
    return readFileSync(posix.join(folder, file), "latin1");
  } catch {
    return "";
  }
}

function write(folder: string, file: string, text: string): void {
  writeFileSync(posix.join(folder, file), text);
}

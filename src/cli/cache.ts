// `tsbuild cache`: with Apptainer's words and options where it has them.

import type { CacheEntry, CacheKind } from "../cache/list-cache.ts";
import { UsageError } from "../model/error.ts";
import type { AccessFlags } from "./access-flags.ts";
import { sizeFlag } from "./access-flags.ts";
import { cacheFolder } from "./cache-folder.ts";
import { enterForRoots } from "./enter-for-roots.ts";
import { formatSize, parseAge } from "./quantity.ts";
import type { CommandTerminal, GlobalFlags } from "./terminal.ts";

export interface CacheFlags extends GlobalFlags, AccessFlags {
  readonly json?: boolean;
  readonly type: string;
  readonly all?: boolean;
  readonly days?: string;
  readonly olderThan?: string;
  readonly toSize?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly arch?: string;
  readonly archVariant?: string;
  readonly platform?: string;
  readonly buildArg: string[];
  readonly buildArgFile: string[];
}

/**
 * Apptainer's words for what it keeps, beside ours. Its `library`, `net` and `shub` are files that are fetched each time here:
 * of those nothing is kept.
 */
const kindsOf: Readonly<Record<string, readonly CacheKind[]>> = {
  blob: ["blob"],
  sif: ["sif"],
  blobs: ["blob"],
  index: ["index"],
  root: ["root"],
  tag: ["tag"],
  part: ["part"],
  code: ["code"],
  oci: ["blob", "index", "root", "tag", "part"],
  library: [],
  oras: ["sif"],
  shub: [],
  net: [],
  all: ["blob", "sif", "index", "root", "tag", "part", "code"],
};

/** `tsbuild cache list|clean|verify|fetch`. Gives the exit code. */
export async function cacheCommand(
  operands: readonly string[],
  flags: CacheFlags,
  terminal: CommandTerminal,
): Promise<number> {
  const [what, ...rest] = operands;
  const folder = cacheFolder(terminal.environment);
  if (what === "fetch") {
    const { fetchIntoCache } = await import("./cache-fetch.ts");
    return fetchIntoCache(rest, flags, terminal);
  }
  if (rest.length > 0) throw wrong(`cache ${what} takes no operands`);
  if (what === "list") return list(folder, flags, terminal);
  if (what === "clean") return clean(folder, flags, terminal);
  if (what === "verify") return verify(folder, flags, terminal);
  throw wrong(`cache takes list, clean, verify or fetch, not ${what ?? "nothing"}`);
}

async function list(folder: string, flags: CacheFlags, { stdout }: CommandTerminal) {
  const { cacheKinds, listCache } = await import("../cache/list-cache.ts");
  const kinds = wantedKinds(flags.type);
  const entries = (await listCache(folder)).filter(({ kind }) => kinds.includes(kind));
  entries.sort((a, b) => b.usedMs - a.usedMs || (a.name < b.name ? -1 : 1));
  if (flags.json === true) {
    const shown = entries.map(({ kind, name, sizeBytes, usedMs, isInUse }) => ({
      kind,
      name,
      sizeBytes,
      lastUse: new Date(usedMs).toISOString(),
      inUse: isInUse,
    }));
    const sizeBytes = sum(entries);
    stdout.write(`${JSON.stringify({ folder, sizeBytes, entries: shown }, undefined, 2)}\n`);
    return 0;
  }
  const rows: string[][] = [];
  if (flags.verbose === true) {
    rows.push(["KIND", "SIZE", "LAST USED", "NAME"]);
    for (const { kind, name, sizeBytes, usedMs, isInUse } of entries) {
      rows.push([kind, formatSize(sizeBytes), time(usedMs), isInUse ? `${name} (in use)` : name]);
    }
  } else {
    rows.push(["KIND", "ENTRIES", "SIZE", "LAST USED"]);
    for (const kind of cacheKinds.filter((one) => kinds.includes(one))) {
      const of = entries.filter((entry) => entry.kind === kind);
      const [latest] = of;
      const used = latest === undefined ? "never" : time(latest.usedMs);
      rows.push([kind, String(of.length), formatSize(sum(of)), used]);
    }
  }
  stdout.write(`${table(rows)}${formatSize(sum(entries))} in ${folder}\n`);
  return 0;
}

async function clean(folder: string, flags: CacheFlags, terminal: CommandTerminal) {
  const [{ cleanCache, trimCache }, { listCache }] = await Promise.all([
    import("../cache/clean-cache.ts"),
    import("../cache/list-cache.ts"),
  ]);
  const { stdout } = terminal;
  const kinds = wantedKinds(flags.type);
  const given = ["all", "days", "olderThan", "toSize"] as const;
  if (given.filter((name) => flags[name] !== undefined).length > 1) {
    throw wrong("cache clean takes one of --all, --days, --older-than and --to-size");
  }
  const age = flags.olderThan ?? flags.days;
  const ageMs = age === undefined ? undefined : ageFlag(flags, age);
  const maxBytes = flags.toSize === undefined ? undefined : sizeFlag(flags.toSize, "--to-size");
  const wanted = (await listCache(folder)).filter(({ kind }) => kinds.includes(kind));
  const entered = await enterForRoots(wanted, folder, terminal);
  if (entered !== undefined) return entered;
  if (flags.dryRun !== true && flags.force !== true && !(await isWanted(folder, flags))) {
    stdout.write("Nothing was removed.\n");
    return 0;
  }
  if (maxBytes !== undefined) {
    const removed = await trimCache(folder, maxBytes, { isDryRun: flags.dryRun });
    tell(removed, flags, terminal);
    const left = sum(await listCache(folder)) - (flags.dryRun === true ? sum(removed) : 0);
    stdout.write(`${formatSize(left)} ${flags.dryRun === true ? "would be" : "are"} left.\n`);
    return 0;
  }
  const { removed, kept } = await cleanCache(folder, {
    kinds,
    usedBeforeMs: ageMs === undefined ? undefined : Date.now() - ageMs,
    isDryRun: flags.dryRun,
  });
  tell(removed, flags, terminal);
  const foreign = kept.filter(({ isRemovable, isInUse }) => isRemovable === false && !isInUse);
  const used = kept.filter((entry) => !foreign.includes(entry));
  if (used.length > 0) stdout.write(`${count(used)} in use by running builds were left.\n`);
  if (foreign.length > 0) {
    stdout.write(`${count(foreign)} of other user ids were left; root can remove them.\n`);
  }
  return 0;
}

async function verify(folder: string, flags: CacheFlags, terminal: CommandTerminal) {
  const [{ verifyCache }, { listCache }, { makeListener }, { watchSignals }] = await Promise.all([
    import("../cache/verify-cache.ts"),
    import("../cache/list-cache.ts"),
    import("./make-listener.ts"),
    import("../system/signals.ts"),
  ]);
  const entered = await enterForRoots(await listCache(folder), folder, terminal);
  if (entered !== undefined) return entered;
  using view = makeListener(flags, terminal);
  using interruption = watchSignals();
  const { checked, checkedBytes, damaged } = await verifyCache(folder, {
    signal: interruption.signal,
    onProgress: (done, total) =>
      view.listener({ type: "progress", task: "verify the cache", done, total, unit: "bytes" }),
  });
  for (const { kind, name } of damaged) {
    terminal.stdout.write(`removed the ${kind} ${name}, which was damaged\n`);
  }
  terminal.stdout.write(
    `${checked} entries (${formatSize(checkedBytes)}): ${damaged.length === 0 ? "all good" : `${damaged.length} damaged`}\n`,
  );
  return damaged.length === 0 ? 0 : 7;
}

function tell(removed: readonly CacheEntry[], flags: CacheFlags, { stdout }: CommandTerminal) {
  if (flags.dryRun === true || flags.verbose === true) {
    const verb = flags.dryRun === true ? "would remove" : "removed";
    for (const { kind, name } of removed) stdout.write(`${verb} the ${kind} ${name}\n`);
  }
  stdout.write(`${count(removed)} ${flags.dryRun === true ? "would be removed" : "removed"}.\n`);
}

/** Asks whoever sits at the terminal, as Apptainer does. */
async function isWanted(folder: string, flags: CacheFlags): Promise<boolean> {
  const { askLine } = await import("./ask.ts");
  const what =
    flags.all === true || (flags.days ?? flags.olderThan ?? flags.toSize) === undefined
      ? "everything"
      : "what was not used for long";
  const answer = await askLine(
    `This removes ${what} of the kinds "${flags.type}" from ${folder}. Go on? [y/N] `,
    "say --force (-f) to remove without being asked, or --dry-run to see what would be removed",
  );
  return /^y(es)?$/i.test(answer.trim());
}

function wantedKinds(text: string): CacheKind[] {
  return text.split(",").flatMap((word) => {
    const kinds = Object.hasOwn(kindsOf, word.trim()) ? kindsOf[word.trim()] : undefined;
    if (kinds !== undefined) return kinds;
    throw new UsageError("usage/options", `--type ${word}: no such kind of entry`, {
      hint: `kinds are ${Object.keys(kindsOf).join(", ")}`,
    });
  });
}

function ageFlag(flags: CacheFlags, text: string): number {
  const ms = flags.olderThan === undefined && !/^\d+$/.test(text) ? undefined : parseAge(text);
  if (ms !== undefined) return ms;
  const flag = flags.olderThan === undefined ? "--days" : "--older-than";
  throw new UsageError("usage/options", `${flag} ${text} is no time`, {
    hint: "write --days 30, or --older-than 90m, 12h, 30d or 2w",
  });
}

function wrong(message: string): UsageError {
  return new UsageError("usage/operands", message, {
    hint: "tsbuild cache list, tsbuild cache clean --days 30, tsbuild cache verify, tsbuild cache fetch docker://debian:12",
  });
}

const sum = (entries: readonly CacheEntry[]) =>
  entries.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);

const count = (entries: readonly CacheEntry[]) =>
  `${entries.length} ${entries.length === 1 ? "entry" : "entries"} (${formatSize(sum(entries))})`;

const two = (value: number) => String(value).padStart(2, "0");

/** In the user's own time, to the minute. */
function time(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const isNumber = (column: number) => ["SIZE", "ENTRIES"].includes(rows[0]?.[column] ?? "");
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          isNumber(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

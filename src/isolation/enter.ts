import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../model/error.ts";
import { captureProgram } from "../system/run-program.ts";
import { startProgram, type RunningProgram, type StartOptions } from "../system/start-program.ts";
import { entryVariable, formatEntryMark, takeEntryMark, type EntryMark } from "./entry-mark.ts";
import { formatIdMap } from "./id-map.ts";
import type { Entry, IdMapRow } from "./isolation.ts";

const namespaceLimitMs = 10_000;
const endingSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface EnterOptions {
  readonly entry: Entry;
  /** The program to run inside: this very one, as a rule, with its arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What it finds on standard input, where we have read ours already; our own standard input without. */
  readonly stdin?: Uint8Array | undefined;
}

/**
 * Runs a program as root of a user namespace, with our terminal, and gives what it exits with (128 + n for a signal n).
 * Signals to us are handed on. If we are killed, it gets a SIGTERM.
 * @throws {HostError} `host/id-map`, `host/program-missing`, `host/program-start`
 */
export async function enterNamespace(options: EnterOptions): Promise<number> {
  const program = await startInNamespace(options.entry, options.command, {
    env: options.env,
    stdin: options.stdin === undefined ? "inherit" : "pipe",
    output: "inherit",
  });
  program.stdin?.on("error", () => {
    // It has ended without reading; how, its exit code tells.
  });
  program.stdin?.end(options.stdin);
  // A terminal's Ctrl-C reaches the program by itself; that it then comes twice is known there.
  const forward = (signal: NodeJS.Signals): void => program.kill(signal);
  for (const signal of endingSignals) process.on(signal, forward);
  try {
    const { exitCode, signal } = await program.ended;
    return exitCode ?? 128 + signalNumber(signal);
  } finally {
    for (const signal of endingSignals) process.off(signal, forward);
  }
}

/**
 * Starts a program as root of a user namespace.
 * @throws {HostError} `host/id-map`, `host/program-missing`, `host/program-start`
 */
export async function startInNamespace(
  entry: Entry,
  command: readonly string[],
  options: Omit<StartOptions, "pipes" | "ownGroup">,
): Promise<RunningProgram> {
  const mark: EntryMark = {
    way: entry.way,
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
  };
  const program = await startProgram([...entry.prefix, ...command], {
    ...options,
    env: { ...(options.env ?? process.env), [entryVariable]: formatEntryMark(mark, process.pid) },
    pipes: entry.mapper.kind === "prefix" ? [] : ["write"],
  });
  if (entry.mapper.kind === "prefix") return program;
  try {
    await waitForNamespace(program);
    await writeIdMaps(entry, program.pid);
    program.pipes[0]?.end("go\n");
    return program;
  } catch (error) {
    program.kill("SIGKILL");
    await program.ended;
    throw error;
  }
}

/** The mark that this process was started with, if it was started by `enterNamespace`. */
export function takeOwnEntryMark(
  environment: Record<string, string | undefined> = process.env,
): EntryMark | undefined {
  return takeEntryMark(environment, (file) => readFileSync(file, "latin1"));
}

async function waitForNamespace({ pid, ended }: RunningProgram): Promise<void> {
  const own = readlinkSync("/proc/self/ns/user");
  const started = performance.now();
  const over = ended.then(() => true);
  while (performance.now() - started < namespaceLimitMs) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/user`) !== own) return;
    } catch {
      // Not there yet, or not any more.
    }
    if (await Promise.race([over, sleep(1, false)])) break;
  }
  throw new HostError("host/id-map", "a user namespace could not be made", {
    hint: "tsbuild isolation says what this machine allows",
  });
}

async function writeIdMaps({ mapper, uidMap, gidMap }: Entry, pid: number): Promise<void> {
  if (mapper.kind === "files") {
    try {
      writeFileSync(`/proc/${pid}/uid_map`, formatIdMap(uidMap));
      writeFileSync(`/proc/${pid}/gid_map`, formatIdMap(gidMap));
    } catch (error) {
      throw idMapError([error instanceof Error ? error.message : String(error)]);
    }
  } else if (mapper.kind === "programs") {
    for (const [program, map] of [
      [mapper.newuidmap, uidMap],
      [mapper.newgidmap, gidMap],
    ] as const) {
      const { exitCode, stderr } = await captureProgram([program, `${pid}`, ...words(map)], {
        timeoutMs: namespaceLimitMs,
      });
      if (exitCode !== 0) throw idMapError(stderr.trim().split("\n"));
    }
  }
}

const words = (map: readonly IdMapRow[]): string[] =>
  map.flatMap(({ inside, outside, count }) => [`${inside}`, `${outside}`, `${count}`]);

function idMapError(details: readonly string[]): HostError {
  return new HostError("host/id-map", "the id map of a user namespace could not be written", {
    hint: "newuidmap and newgidmap must be setuid root or have the capabilities cap_setuid and cap_setgid, and no_new_privs must be off",
    details,
  });
}

function signalNumber(signal: NodeJS.Signals | undefined): number {
  const numbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
  return (signal === undefined ? undefined : numbers[signal]) ?? 9;
}

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Isolation, Mount } from "../isolation/isolation.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { Script } from "../model/plan.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { runProgram, type OutputStream, type ProgramEnd } from "../system/run-program.ts";
import { shellCommand } from "../system/shell-command.ts";
import { inImageEnvironment } from "./enter-environment.ts";
import { makeMountPoints } from "./mount-points.ts";
import { resolveInRoot } from "./resolve-in-root.ts";
import {
  postEnvironment,
  testEnvironment,
  type Bind,
  type ContainerEnvironment,
  type Environment,
} from "./script-environment.ts";
import { placeScript, type PlacedScript } from "./place-script.ts";
import { noShell, ScriptOutput, setUpFailure } from "./script-failure.ts";

export interface RunScriptOptions {
  /** `%post` or `%test`. */
  readonly script: Script;
  /** How the definition's text became bytes; UTF-8 where it is not given. */
  readonly encoding?: TextEncoding | undefined;
  /** The root file system on disk, absolute. */
  readonly rootFolder: string;
  /** Where a folder for the run can be made; not below the root. */
  readonly temporaryFolder: string;
  readonly isolation: Isolation;
  /** The environment of whoever builds. */
  readonly environment: Environment;
  readonly binds: readonly Bind[];
  readonly network: "host" | "none";
  /** Let `%test` write to a root file system of which nothing is kept. */
  readonly writableTmpfs: boolean;
  readonly onLine: (stream: OutputStream, line: string) => void;
  /** Told the command that is run, to be pasted into a shell. */
  readonly onCommand?: ((command: string) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs `%post` or `%test` as root of the root file system, as Apptainer does: the same environment, folder, umask (0002)
 * and command. It has its own /dev, /tmp and /var/tmp, a /sys that it can't change, and copies of the host's resolv.conf
 * and hosts. When it has ended nothing of it runs and nothing of ours is left in the root.
 *
 * @throws {ScriptError} `script/failed` with the place of the command, `script/no-shell`, `script/mount-point`
 * @throws {HostError} `host/bind-source`, `host/sandbox-setup` when the surroundings can't be set up
 * @throws the signal's reason
 */
export async function runScript(options: RunScriptOptions): Promise<void> {
  const { script, rootFolder, isolation, environment, binds, signal } = options;
  signal.throwIfAborted();
  const workFolder = mkdtempSync(join(options.temporaryFolder, "script-"));
  try {
    if (!resolveInRoot(rootFolder, "/bin/sh").exists) throw noShell(script, "there is none");
    using placed = placeScript(script, rootFolder, options.encoding);
    if (placed.command === undefined) return;
    for (const { name, bytes, mode } of isolation.files) {
      writeFileSync(join(workFolder, name), bytes, { mode });
    }
    const isTest = script.section === "test";
    const variables = (isTest ? testEnvironment : postEnvironment)(environment, rootFolder, binds);
    using points = makeMountPoints(rootFolder, standardMounts(options, workFolder));
    const command = isolation.commandLine({
      rootFolder,
      workFolder,
      mounts: points.mounts,
      root: isTest ? (options.writableTmpfs ? "throw-away" : "read-only") : "writable",
      network: options.network,
      command: inImageEnvironment(placed.command, variables),
    });
    await run(options, command, variables, placed, workFolder);
  } finally {
    await removeFolderTree(workFolder);
  }
}

async function run(
  options: RunScriptOptions,
  command: readonly string[],
  { variables }: ContainerEnvironment,
  placed: PlacedScript,
  workFolder: string,
): Promise<void> {
  const { script, isolation, signal, onLine } = options;
  const env = { ...variables, TSBUILD_PATH: isolation.hostPath };
  options.onCommand?.(
    `env -i ${Object.entries(env).map(pastedVariable).join(" ")} ${shellCommand(command)}`,
  );
  const output = new ScriptOutput(script, placed.file, placed.text);
  const tell = (stream: OutputStream, line: string): void => {
    output.take(stream, line);
    onLine(stream, line);
  };
  // Until the script starts, what is said is about its surroundings.
  let ready = false;
  const early: [OutputStream, string][] = [];
  const begin = (): void => {
    ready = true;
    for (const [stream, line] of early.splice(0)) tell(stream, line);
  };
  const end = await runProgram(command, {
    env,
    cwd: "/",
    pipeFolder: workFolder,
    signal,
    pipes: [undefined],
    onPipe: begin,
    onLine: (stream, line) => {
      if (ready) tell(stream, line);
      else early.push([stream, line]);
    },
  });
  if (!ready)
    throw setUpFailure(
      script,
      early.map(([, line]) => line),
    );
  throwIfNotStarted(script, end, output);
  const failure = output.failure(end, placed.lineOffset);
  if (failure !== undefined) throw failure;
}

/** chroot(1) says it when the kernel does not take the shell: 127 for a missing loader, 126 for another machine's. */
function throwIfNotStarted(script: Script, { exitCode }: ProgramEnd, output: ScriptOutput): void {
  if (exitCode !== 126 && exitCode !== 127) return;
  const words = output.details.find((line) => /failed to run command|can't execute/.test(line));
  if (words !== undefined && output.details.length === 1) {
    const reason = words.slice(words.lastIndexOf(":") + 1).trim();
    throw noShell(script, `the one there can't be started (${reason})`);
  }
}

/** What every script gets, and what the user wants to have there instead or besides. */
function standardMounts(options: RunScriptOptions, workFolder: string): Mount[] {
  const { network, binds } = options;
  const copy = (name: string): string => {
    const file = join(workFolder, name);
    const isOffline = name === "resolv.conf" && network === "none";
    writeFileSync(file, isOffline ? "" : `${readOr(`/etc/${name}`)}\n`);
    chmodSync(file, 0o644);
    return file;
  };
  const folder = (name: string): string => {
    const path = join(workFolder, name);
    mkdirSync(path);
    chmodSync(path, 0o1777);
    return path;
  };
  const own: Mount[] = [
    { kind: "bind", source: folder("tmp"), target: "/tmp", readOnly: false },
    { kind: "bind", source: folder("var-tmp"), target: "/var/tmp", readOnly: false },
    { kind: "bind", source: copy("resolv.conf"), target: "/etc/resolv.conf", readOnly: false },
    { kind: "bind", source: copy("hosts"), target: "/etc/hosts", readOnly: false },
  ];
  const wanted = new Set(binds.map(({ destination }) => destination));
  return [
    { kind: "proc" },
    { kind: "sys" },
    { kind: "dev" },
    ...own.filter((mount) => mount.kind === "bind" && !wanted.has(mount.target)),
    ...aptSettings(options, workFolder),
    ...binds.map(({ source, destination, readOnly }) => ({
      kind: "bind" as const,
      source,
      target: destination,
      readOnly,
    })),
  ];
}

/**
 * apt downloads as a user of its own and looks whether it really became that one. Where there is no user but root it
 * has to be told, and by a file: a variable would not reach an apt behind sudo.
 */
function aptSettings({ isolation, rootFolder }: RunScriptOptions, workFolder: string): Mount[] {
  if (isolation.keepsOwners || !resolveInRoot(rootFolder, "/etc/apt/apt.conf.d").exists) return [];
  const source = join(workFolder, "apt.conf");
  writeFileSync(source, 'APT::Sandbox::User "root";\n');
  chmodSync(source, 0o644);
  return [{ kind: "bind", source, target: "/etc/apt/apt.conf.d/zzz-tsbuild", readOnly: true }];
}

/** Values that come from the user's environment are taken from there again: they may be secrets. */
function pastedVariable([name, value]: [string, string]): string {
  const inner = name.replace(/^TSBUILD_KEEP_/, "");
  const isOurs = /^(?:PATH|HOME|PWD|LANG|TSBUILD_PATH|APPTAINER_.*|SINGULARITY_.*)$/.test(name);
  return isOurs
    ? shellCommand([`${name}=${value}`])
    : `${name}="$${inner.replace(/^TSBUILD_SET_/, "APPTAINERENV_")}"`;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

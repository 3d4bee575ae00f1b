import { lstatSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { superviseRun } from "../fake-root/supervise-run.ts";
import { witnessRun, type WitnessedRun } from "../fake-root/witness-run.ts";
import type { Witness } from "../fake-root/witness.ts";
import { Ledger } from "../folder/ledger.ts";
import type { Isolation, Witnessing } from "../isolation/isolation.ts";
import { loaderStatus } from "../isolation/loader-elf.ts";
import type { TextEncoding } from "../model/definition.ts";
import { HostError, ScriptError } from "../model/error.ts";
import type { Script } from "../model/plan.ts";
import { keepTidy } from "../system/keeper.ts";
import { killProcessesIn } from "../system/processes-in-root.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { captureProgram, type OutputStream, type ProgramEnd } from "../system/run-program.ts";
import { shellCommand } from "../system/shell-command.ts";
import { inImageEnvironment } from "./enter-environment.ts";
import type { Limits } from "./limits.ts";
import { lostAttributes } from "./lost-attributes.ts";
import { makeMountPoints } from "./mount-points.ts";
import { resolveInRoot } from "./resolve-in-root.ts";
import { runLimited, type RunEvents } from "./run-limited.ts";
import {
  postEnvironment,
  testEnvironment,
  type Bind,
  type ContainerEnvironment,
  type Environment,
} from "./script-environment.ts";
import { placeScript, type PlacedScript } from "./place-script.ts";
import { secretLines, secretsFolder, type Mask, type Secret } from "./secrets.ts";
import { ScriptTerminal, type LendableTerminal } from "./script-terminal.ts";
import { standardMounts } from "./standard-mounts.ts";
import { makeStandIns } from "./stand-ins.ts";
import { noShell, ScriptOutput, setUpFailure } from "./script-failure.ts";

export interface RunScriptOptions extends RunEvents {
  /** `%post` or `%test`. */
  readonly script: Script;
  /** How the definition's text became bytes; UTF-8 where it is not given. */
  readonly encoding?: TextEncoding | undefined;
  /** The root file system on disk, absolute, as the script's own processes find it. */
  readonly rootFolder: string;
  /** Where this process finds it, if that is elsewhere. */
  readonly viewFolder?: string | undefined;
  /** What starts a command where the root file system is mounted, if that is not here. */
  readonly enterCommand?: readonly string[] | undefined;
  /** If the root file system is an overlay, its upper layer, where everybody finds it. */
  readonly upperFolder?: string | undefined;
  /** Where a folder for the run can be made; not below the root. */
  readonly temporaryFolder: string;
  readonly isolation: Isolation;
  /** Takes the owners that the script gives to files, where the disk can't. */
  readonly ledger: Ledger;
  /** The environment of whoever builds. */
  readonly environment: Environment;
  readonly binds: readonly Bind[];
  /** What is bound besides, and in no list that scripts see. */
  readonly drivers?: readonly Bind[] | undefined;
  readonly network: "host" | "none";
  readonly limits: Limits;
  readonly secrets: readonly Secret[];
  /** Takes secrets out of what is told. */
  readonly mask: Mask;
  /** Let `%test` write to a root file system of which nothing is kept. */
  readonly writableTmpfs: boolean;
  /** Gives it to the script. What is printed there is not told to `onLine`, and nothing is masked. */
  readonly terminal?: LendableTerminal | undefined;
  readonly onLine: (stream: OutputStream, line: string) => void;
  /** Told the command that is run, to be pasted into a shell. */
  readonly onCommand?: ((command: string) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Runs `%post` or `%test` as root of the root file system, as Apptainer does: the same environment, folder, umask (0002)
 * and command. It has its own /dev, /tmp and /var/tmp, a /sys that it can't change, and copies of the host's resolv.conf
 * and hosts. When it has ended nothing of it runs and nothing of ours is left in the root. What it prints and how it fails
 * is told with the secrets taken out.
 *
 * @throws {ScriptError} `script/failed` with the place of the command, `script/no-shell`, `script/mount-point`,
 *   `script/timeout`, `script/memory`, `script/processes`
 * @throws {HostError} `host/bind-source`, `host/isolation-lacks`, `host/copy-root`, `host/sandbox-setup` when the surroundings
 *   can't be set up
 * @throws the signal's reason
 */
export async function runScript(options: RunScriptOptions): Promise<void> {
  const { script, isolation, environment, binds, signal } = options;
  signal.throwIfAborted();
  const lacks = new Set(isolation.lacks);
  if (lacks.has("mounts") && [...binds, ...(options.drivers ?? [])].length > 0)
    throw lacking(isolation, "can't bind anything");
  if (lacks.has("network") && options.network === "none")
    throw lacking(isolation, "can't take the network away");
  if (lacks.has("secrets") && options.secrets.length > 0)
    throw lacking(isolation, "can't keep secrets out of the image");
  const workFolder = mkdtempSync(join(options.temporaryFolder, "script-"));
  try {
    const isTest = script.section === "test";
    const root = isTest ? (options.writableTmpfs ? "throw-away" : "read-only") : "writable";
    const isCopied = root !== "writable" && lacks.has(root);
    const rootFolder = isCopied ? await copyRoot(options, workFolder) : options.rootFolder;
    const view = isCopied ? rootFolder : (options.viewFolder ?? rootFolder);
    checkShell(script, view);
    using placed = placeScript(script, view, options.encoding);
    if (placed.command === undefined) return;
    for (const { name, bytes, mode } of isolation.files) {
      writeFileSync(join(workFolder, name), bytes, { mode });
    }
    const variables = (isTest ? testEnvironment : postEnvironment)(environment, rootFolder, binds);
    using points = makeMountPoints(view, [
      ...standardMounts({ ...options, rootFolder: view }, workFolder),
      ...(isolation.ownMounts?.(workFolder) ?? []),
    ]);
    using _ = lacks.has("mounts") ? makeStandIns(view, points.mounts, workFolder) : undefined;
    const command = isolation.commandLine({
      rootFolder,
      enterCommand: options.enterCommand,
      workFolder,
      mounts: points.mounts,
      root: isCopied ? "writable" : root,
      secrets: options.secrets.map(({ name }) => `${secretsFolder}/${name}`),
      network: options.network,
      command: inImageEnvironment(placed.command, variables),
    });
    try {
      await run(options, command, variables, placed, workFolder);
    } finally {
      if (lacks.has("processes")) await killProcessesIn(rootFolder);
    }
  } finally {
    await removeFolderTree(workFolder);
  }
}

function checkShell(script: Script, rootFolder: string): void {
  let exists: boolean;
  try {
    ({ exists } = resolveInRoot(rootFolder, "/bin/sh"));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw noShell(script, "symbolic links lead nowhere from there");
  }
  if (!exists) throw noShell(script, "there is none");
}

/** What `%test` gets where the root file system can't be made read-only. */
async function copyRoot(
  { rootFolder, signal }: RunScriptOptions,
  workFolder: string,
): Promise<string> {
  const copy = join(workFolder, "rootfs");
  const { exitCode, stderr } = await captureProgram(
    ["cp", "-a", "--reflink=auto", "--", rootFolder, copy],
    { signal },
  );
  if (exitCode === 0) return copy;
  throw new HostError("host/copy-root", "the root file system could not be copied for %test", {
    hint: "is there room in the temporary folder? --notest leaves %test out",
    details: stderr.trimEnd().split("\n").slice(0, 5),
  });
}

function lacking({ name }: Isolation, what: string): HostError {
  return new HostError("host/isolation-lacks", `the isolation ${name} ${what}`, {
    hint: "leave the option out, or build where user namespaces are allowed",
  });
}

async function run(
  options: RunScriptOptions,
  command: readonly string[],
  { variables }: ContainerEnvironment,
  placed: PlacedScript,
  workFolder: string,
): Promise<void> {
  const { script, isolation, mask, onLine } = options;
  const env = { ...variables, TSBUILD_PATH: isolation.hostPath };
  const output = new ScriptOutput(script, placed.file, placed.text, mask);
  const tell = (stream: OutputStream, line: string): void => {
    output.take(stream, line);
    if (options.terminal === undefined) onLine(stream, mask(line));
  };
  // Until the script starts, what is said is about its surroundings.
  let ready = false;
  const early: [OutputStream, string][] = [];
  // Where no namespace ends them when we are killed.
  using kept = new DisposableStack();
  if (isolation.lacks.includes("processes")) kept.use(keepTidy("processes", options.rootFolder));
  const witnessed = isolation.witness && witnessOf(options, isolation.witness);
  const { upperFolder } = options;
  // It is the script's root folder.
  const overlay = upperFolder === undefined ? undefined : { upperFolder, rootFolder: "" };
  await using supervised =
    witnessed ?? (await superviseRun(isolation.supervision, options.ledger, overlay));
  const hear = (stream: OutputStream, line: string): void => {
    if (ready) tell(stream, line);
    else early.push([stream, line]);
  };
  using terminal =
    options.terminal && new ScriptTerminal(options.terminal, (line) => hear("stderr", line));
  const end = await runLimited(terminal?.commandLine(command) ?? command, {
    limits: options.limits,
    path: isolation.hostPath,
    output,
    lineOffset: placed.lineOffset,
    signal: options.signal,
    onWarning: options.onWarning,
    onUsage: options.onUsage,
    onCommandLine: (line) => {
      const settings = Object.entries(env).map(pastedVariable).join(" ");
      options.onCommand?.(mask(`env -i ${settings} ${shellCommand(line)}`));
    },
    secretLines: options.secrets.length === 0 ? undefined : secretLines(options.secrets),
    onWord: (word) => {
      if (word === "ready") {
        ready = true;
        for (const [stream, line] of early.splice(0)) tell(stream, line);
      } else if (word === "loopback") {
        options.onWarning?.(
          "host/no-loopback",
          "nothing can bring up the loopback device: in the script, localhost can't be reached",
          "install ip (iproute2) on this machine",
        );
      }
    },
    onStart: supervised.onStart,
    run: {
      env,
      cwd: "/",
      descriptors: supervised.descriptors,
      pipeFolder: workFolder,
      onLine: terminal === undefined ? hear : undefined,
    },
  });
  await terminal?.drain();
  await supervised.finish();
  if (!ready)
    throw setUpFailure(
      script,
      early.map(([, line]) => mask(line)),
    );
  throwIfNotStarted(script, isolation, end, output);
  const failure = output.failure(end, placed.lineOffset);
  if (failure !== undefined) throw failure;
  if (witnessed !== undefined && script.section === "post") tellLosses(options, witnessed.witness);
}

function witnessOf(
  { script, rootFolder, ledger }: RunScriptOptions,
  witnessing: Witnessing,
): WitnessedRun {
  return witnessRun({
    // Of what %test does nothing is kept.
    ledger: script.section === "post" ? ledger : new Ledger(),
    rootFolder,
    witnessing,
    resolve: (path) => {
      try {
        return resolveInRoot(rootFolder, path).path;
      } catch {
        return undefined;
      }
    },
  });
}

function tellLosses(
  { script, rootFolder, onWarning, mask }: RunScriptOptions,
  witness: Witness,
): void {
  const isThere = (path: string) =>
    !path.startsWith("/") || lstatSync(rootFolder + path, { throwIfNoEntry: false }) !== undefined;
  const lost = lostAttributes(script, witness, isThere);
  if (lost === undefined) return;
  onWarning?.(
    "host/lost-attributes",
    mask(lost),
    "tsbuild doctor says what a stronger way needs here",
  );
}

/**
 * What goes wrong between the mounts and the script shows only in statuses: the filter's loader has one of its own, and
 * chroot(1) says 127 for a shell whose loader is missing and 126 for one that is for another machine.
 */
function throwIfNotStarted(
  script: Script,
  isolation: Isolation,
  { exitCode }: ProgramEnd,
  { details }: ScriptOutput,
): void {
  if (exitCode === loaderStatus.noFilter && details.length === 0 && isolation.files.length > 0) {
    throw setUpFailure(script, ["the system call filter could not be loaded"]);
  }
  if (exitCode !== 126 && exitCode !== 127) return;
  const words = details.find((line) => /failed to run command|can't execute/.test(line));
  if (words !== undefined && details.length === 1) {
    const reason = words.slice(words.lastIndexOf(":") + 1).trim();
    throw noShell(script, `the one there can't be started (${reason})`);
  }
}

/** Values that come from the user's environment are taken from there again: they may be secrets. */
function pastedVariable([name, value]: [string, string]): string {
  const inner = name.replace(/^TSBUILD_KEEP_/, "");
  const isOurs = /^(?:PATH|HOME|PWD|LANG|TSBUILD_PATH|APPTAINER_.*|SINGULARITY_.*)$/.test(name);
  return isOurs
    ? shellCommand([`${name}=${value}`])
    : `${name}="$${inner.replace(/^TSBUILD_SET_/, "APPTAINERENV_")}"`;
}

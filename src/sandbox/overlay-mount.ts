// An overlay over a root file system that stays as it is. Nothing is mounted where anybody else sees it: a shell mounts it in
// a mount namespace of its own. The namespace lives on as long as this process holds it open, and scripts are started in
// it. This process itself gets at what is mounted by a folder that it has opened there.
//
//   STAGE/base       where the lower layer is bound, in the namespace
//   STAGE/upper      what has changed
//   STAGE/work       whoever mounts it needs that
//   STAGE/rootfs     both layers, in the namespace
//
// Names are relative to STAGE: mount options are a list with commas and colons, in which not every path can be written.
//
// Where the overlay is a program, that is the shell's child, and the shell waits for the end of a pipe, which comes when this
// process closes it or ends, however that happens. Then it kills the program, and the namespace goes with the last of both.

import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  realpathSync,
  statfsSync,
} from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { isInitialNamespace } from "../isolation/entry-mark.ts";
import { HostError } from "../model/error.ts";
import { findProgram } from "../system/find-program.ts";
import { keepTidy } from "../system/keeper.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { captureProgram } from "../system/run-program.ts";
import { startProgram, type RunningProgram } from "../system/start-program.ts";
import type { OverlayWay } from "./overlay-way.ts";
import { overlayWays } from "./overlay-ways.ts";

const folders = ["base", "upper", "work", "rootfs"] as const;

// The first `read` waits until this process has opened what it needs.
const scriptOf = (way: OverlayWay) =>
  `
PATH=$1
DAEMON=
cd "$2" && mount -n --rbind "$3" base || exit 1
shift 3
${way.script}
{ echo ready >&3; } 2> /dev/null
{ read -r _ <&4; } 2> /dev/null
[ -z "$DAEMON" ] || {
  exec 3>&-
  { read -r _ <&4; } 2> /dev/null
  kill -KILL "$DAEMON"
  wait "$DAEMON" 2> /dev/null
}
exit 0
`.trim();

export interface OverlayMountOptions {
  /** A folder of this process's own, for what the overlay needs. */
  readonly stageFolder: string;
  /** The root file system below. */
  readonly lowerFolder: string;
  /** Where the host's programs are. */
  readonly path: string;
}

export class OverlayMount implements AsyncDisposable {
  readonly way: OverlayWay;
  /** The merged root file system, for the file system calls of this process. */
  readonly viewFolder: string;
  /** The same for processes that `enterCommand` has started. */
  readonly rootFolder: string;
  /** On disk, and the same for all. */
  readonly upperFolder: string;
  /** What comes before a command that is to see the root file system; it starts in `/`. */
  readonly enterCommand: readonly string[];
  readonly #descriptors: readonly number[];
  readonly #program: RunningProgram;
  readonly #keeper: Disposable | undefined;

  /** @param program in the namespace. @throws where it may not be looked at */
  private constructor(way: OverlayWay, stage: string, nsenter: string, program: RunningProgram) {
    this.way = way;
    this.#program = program;
    const namespace = openSync(`/proc/${program.pid}/ns/mnt`, "r");
    this.#descriptors = [namespace];
    try {
      // What is looked up from here on is looked up in the other namespace, as long as no link leads to the root.
      const { O_DIRECTORY, O_RDONLY } = constants;
      // oxlint-disable-next-line no-bitwise
      const opened = openSync(`/proc/${program.pid}/root${stage}`, O_RDONLY | O_DIRECTORY);
      this.#descriptors = [namespace, opened];
      this.viewFolder = `/proc/${process.pid}/fd/${opened}/rootfs`;
    } catch (error) {
      closeSync(namespace);
      throw error;
    }
    this.rootFolder = join(stage, "rootfs");
    this.upperFolder = join(stage, "upper");
    this.enterCommand = [nsenter, `--mount=/proc/${process.pid}/fd/${namespace}`, "--"];
    // Should the shell be killed alone, its child stays.
    if (way.keepsRunning) this.#keeper = keepTidy("group", String(program.pid));
  }

  /**
   * Mounts an overlay whose upper layer is empty.
   * @returns or why it can't be done here
   * @throws what making folders throws
   */
  static async create(
    way: OverlayWay,
    options: OverlayMountOptions,
  ): Promise<OverlayMount | { refused: string }> {
    const nsenter = findProgram("nsenter", options.path);
    const command = mountCommand(way, options, false);
    if (typeof command === "string") return { refused: command };
    if (nsenter === undefined) return { refused: notInstalled };
    const stage = realpathSync(options.stageFolder);
    const program = await startProgram(command, {
      env: { LC_ALL: "C" },
      pipes: ["read", "write"],
      ownGroup: true,
    });
    let errors = "";
    program.stdout?.resume();
    program.stderr?.on("data", (bytes: Buffer) => {
      errors = (errors + bytes.toString()).slice(-longestErrors);
    });
    const allSaid = new Promise<void>((resolve) => program.stderr?.once("close", () => resolve()));
    const [told, hold] = program.pipes;
    let mount: OverlayMount | undefined;
    try {
      const ready = new Promise<true>((resolve) => told?.once("data", () => resolve(true)));
      const isReady = await Promise.race([ready, program.ended.then(() => false)]);
      if (!isReady) {
        await allSaid;
        return { refused: reasonIn(errors) };
      }
      mount = new OverlayMount(way, stage, nsenter, program);
      const entered = await captureProgram([...mount.enterCommand, "/bin/sh", "-c", ":"]);
      if (entered.exitCode !== 0) {
        await mount[Symbol.asyncDispose]();
        return { refused: entered.stderr.trim() };
      }
      hold?.write("go\n");
      if (!way.keepsRunning) await program.ended;
      return mount;
    } catch (error) {
      await mount?.[Symbol.asyncDispose]();
      if (!(error instanceof Error && "syscall" in error)) throw error;
      return { refused: error.message };
    } finally {
      if (mount === undefined) {
        hold?.end();
        await program.ended;
      }
    }
  }

  /**
   * Looks for what a failure of a script says little of.
   * @throws {HostError} `host/overlay-ended` where the program that is the overlay has ended, `folder/no-space` where the
   *   disk is full, which it calls an I/O error
   */
  check(): void {
    if (!this.way.keepsRunning) return;
    try {
      // What the kernel doesn't remember.
      statfsSync(this.viewFolder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOTCONN") throw error;
      throw new HostError(
        "host/overlay-ended",
        `${this.way.name}, on which scripts worked, ended before they did`,
        { hint: "build again with --copy-base; was it killed for want of memory (dmesg)?" },
      );
    }
    const { bavail, bsize } = statfsSync(this.upperFolder);
    if (bavail * bsize < fullBytes) {
      throw new HostError(
        "folder/no-space",
        `no space is left for what scripts write, in ${this.upperFolder}`,
        { hint: "free space, or name another folder with --tmpdir" },
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
    this.#program.pipes[1]?.end();
    await this.#program.ended;
    this.#keeper?.[Symbol.dispose]();
  }
}

const notInstalled = "unshare, nsenter and mount (util-linux) are not all installed";
const longestErrors = 4096;
/** A file system with less is full. */
const fullBytes = 1 << 20;

/** What mounts it, or why that can't be. Makes the folders. */
function mountCommand(
  way: OverlayWay,
  { stageFolder, lowerFolder, path }: OverlayMountOptions,
  isPlainUser: boolean,
): string[] | string {
  const [unshare, mount] = ["unshare", "mount"].map((name) => findProgram(name, path));
  if (unshare === undefined || mount === undefined) return notInstalled;
  const missing = way.programs.find((name) => findProgram(name, path) === undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  const stage = realpathSync(stageFolder);
  for (const name of folders) {
    mkdirSync(join(stage, name), { recursive: true });
    // Whatever the umask: users inside have to get through.
    chmodSync(join(stage, name), 0o755);
  }
  return [
    [unshare, ...(isPlainUser ? ["--user", "--map-root-user"] : []), "--mount"],
    ["--propagation", "slave", "--", "/bin/sh", "-c", scriptOf(way), "tsbuild"],
    [path, stage, lowerFolder, ...way.words(isInitialNamespace() && !isPlainUser)],
  ].flat();
}

/** What was said last, without the place; more lines may follow, with general advice. */
function reasonIn(errors: string): string {
  const lines = errors.split("\n").map((line) => line.trim());
  const said = lines.findLast((line) => /\b(?:mount|fuse|fuse-overlayfs):/.test(line));
  return said?.replace(/^mount: .*\/rootfs: /, "") ?? "mount failed";
}

export interface OverlayChoice {
  /** The first way that works. */
  readonly way: OverlayWay | undefined;
  /** Why those before it don't. */
  readonly passedOver: readonly PassedOverlay[];
}

export interface PassedOverlay {
  readonly name: OverlayWay["name"];
  readonly reason: string;
}

/** The reasons in words that follow "because". */
export const overlayReasons = (passedOver: readonly PassedOverlay[]): string =>
  passedOver.map(({ name, reason }) => `${name}: ${reason}`).join("; ");

/**
 * Finds out by doing what overlay can be had.
 * @param parent where the upper layer would be
 * @param options without a lower folder, any folder will do
 */
export async function chooseOverlay(
  parent: string,
  options: { readonly lowerFolder?: string; readonly path: string },
): Promise<OverlayChoice> {
  const passedOver: PassedOverlay[] = [];
  for (const way of overlayWays) {
    const reason = await overlayRefusal(way, parent, options);
    if (reason === undefined) return { way, passedOver };
    passedOver.push({ name: way.name, reason });
  }
  return { way: undefined, passedOver };
}

async function overlayRefusal(
  way: OverlayWay,
  parent: string,
  { lowerFolder, path }: { readonly lowerFolder?: string; readonly path: string },
): Promise<string | undefined> {
  const stageFolder = await mkdtemp(join(parent, "trial-"));
  try {
    const isPlainUser = process.geteuid?.() !== 0;
    const command = mountCommand(
      way,
      { stageFolder, lowerFolder: lowerFolder ?? join(stageFolder, "base"), path },
      isPlainUser,
    );
    if (typeof command === "string") return command;
    if (findProgram("nsenter", path) === undefined) return notInstalled;
    const { exitCode, stderr } = await captureProgram(command, { env: { LC_ALL: "C" } });
    if (exitCode !== 0) return reasonIn(stderr);
    return way.upperRefusal(join(stageFolder, "upper"));
  } finally {
    await removeFolderTree(stageFolder);
  }
}

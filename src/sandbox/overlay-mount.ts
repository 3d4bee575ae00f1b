// A kernel's overlay (Documentation/filesystems/overlayfs.rst) over a root file system that stays as it is. Nothing is
// mounted where anybody else sees it: a shell mounts it in a mount namespace of its own and ends. The namespace lives on as
// long as this process holds it open, however it ends, and scripts are started in it. This process itself gets at what is
// mounted by a folder that it has opened there.
//
//   STAGE/base       where the lower layer is bound, in the namespace
//   STAGE/upper      what has changed
//   STAGE/work       the kernel's own
//   STAGE/rootfs     both layers, in the namespace
//
// Names are relative to STAGE: mount options are a list with commas and colons, in which not every path can be written.

import { chmodSync, closeSync, constants, mkdirSync, openSync, realpathSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { isInitialNamespace } from "../isolation/entry-mark.ts";
import { findProgram } from "../system/find-program.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import { captureProgram } from "../system/run-program.ts";
import { startProgram } from "../system/start-program.ts";

const folders = ["base", "upper", "work", "rootfs"] as const;

// `read` waits until this process has opened what it needs.
const script = `
PATH=$1
cd "$2" && mount -n --rbind "$3" base || exit 1
shift 3
for OPTIONS; do
  if mount -n -t overlay -o "lowerdir=base,upperdir=upper,workdir=work,$OPTIONS" tsbuild rootfs; then
    echo ready >&3
    read -r _ <&4
    exit 0
  fi
done
exit 1
`.trim();

/**
 * What to try, best first. Files are copied up whole (`metacopy`), so that the upper layer can be read alone. Nothing is
 * forced to the disk (`volatile`, Linux 5.10): it is thrown away anyway. The machine's root can rename directories of the
 * lower layer (`redirect_dir`); others get the error EXDEV then, which `mv` knows to deal with, and notes by attributes
 * that they may set (`userxattr`, Linux 5.11). What their disks can't hold is noted by the numbers of inodes, so
 * directories need ones that stay, even where the layers are on two file systems (`xino`).
 */
function optionsToTry(isMachineRoot: boolean): string[] {
  const all = "metacopy=off,index=off";
  return isMachineRoot
    ? [`${all},redirect_dir=on,volatile`, `${all},redirect_dir=on`]
    : [`${all},xino=on,userxattr,volatile`, `${all},xino=on,userxattr`];
}

export interface OverlayMountOptions {
  /** A folder of this process's own, for what the overlay needs. */
  readonly stageFolder: string;
  /** The root file system below. */
  readonly lowerFolder: string;
  /** Where the host's programs are. */
  readonly path: string;
}

export class OverlayMount implements Disposable {
  /** The merged root file system, for the file system calls of this process. */
  readonly viewFolder: string;
  /** The same for processes that `enterCommand` has started. */
  readonly rootFolder: string;
  /** On disk, and the same for all. */
  readonly upperFolder: string;
  /** What comes before a command that is to see the root file system; it starts in `/`. */
  readonly enterCommand: readonly string[];
  readonly #descriptors: readonly number[];

  /** @param program in the namespace; it may end afterwards. @throws where it may not be looked at */
  private constructor(stage: string, nsenter: string, program: number) {
    const namespace = openSync(`/proc/${program}/ns/mnt`, "r");
    this.#descriptors = [namespace];
    try {
      // What is looked up from here on is looked up in the other namespace, as long as no link leads to the root.
      const { O_DIRECTORY, O_RDONLY } = constants;
      // oxlint-disable-next-line no-bitwise
      const opened = openSync(`/proc/${program}/root${stage}`, O_RDONLY | O_DIRECTORY);
      this.#descriptors = [namespace, opened];
      this.viewFolder = `/proc/${process.pid}/fd/${opened}/rootfs`;
    } catch (error) {
      closeSync(namespace);
      throw error;
    }
    this.rootFolder = join(stage, "rootfs");
    this.upperFolder = join(stage, "upper");
    this.enterCommand = [nsenter, `--mount=/proc/${process.pid}/fd/${namespace}`, "--"];
  }

  /**
   * Mounts an overlay whose upper layer is empty.
   * @returns or why it can't be done here
   * @throws what making folders throws
   */
  static async create(options: OverlayMountOptions): Promise<OverlayMount | { refused: string }> {
    const nsenter = findProgram("nsenter", options.path);
    const command = mountCommand(options, false);
    if (command === undefined || nsenter === undefined) return { refused: notInstalled };
    const stage = realpathSync(options.stageFolder);
    const program = await startProgram(command, {
      env: { LC_ALL: "C" },
      pipes: ["read", "write"],
      ownGroup: true,
    });
    let errors = "";
    program.stdout?.resume();
    program.stderr?.on("data", (bytes: Buffer) => {
      errors += bytes.toString();
    });
    const allSaid = new Promise<void>((resolve) => program.stderr?.once("close", () => resolve()));
    const [told, hold] = program.pipes;
    try {
      const ready = new Promise<true>((resolve) => told?.once("data", () => resolve(true)));
      const isReady = await Promise.race([ready, program.ended.then(() => false)]);
      if (!isReady) {
        await allSaid;
        return { refused: reasonIn(errors) };
      }
      const mount = new OverlayMount(stage, nsenter, program.pid);
      const entered = await captureProgram([...mount.enterCommand, "/bin/sh", "-c", ":"]);
      if (entered.exitCode === 0) return mount;
      mount[Symbol.dispose]();
      return { refused: entered.stderr.trim() };
    } catch (error) {
      if (!(error instanceof Error && "syscall" in error)) throw error;
      return { refused: error.message };
    } finally {
      hold?.end("go\n");
      await program.ended;
    }
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#descriptors) closeSync(descriptor);
  }
}

const notInstalled = "unshare, nsenter and mount (util-linux) are not all installed";

/** What mounts it; nothing where programs are missing. Makes the folders. */
function mountCommand(
  { stageFolder, lowerFolder, path }: OverlayMountOptions,
  isPlainUser: boolean,
): string[] | undefined {
  const [unshare, mount] = ["unshare", "mount"].map((name) => findProgram(name, path));
  if (unshare === undefined || mount === undefined) return undefined;
  const stage = realpathSync(stageFolder);
  for (const name of folders) {
    mkdirSync(join(stage, name), { recursive: true });
    // Whatever the umask: users inside have to get through.
    chmodSync(join(stage, name), 0o755);
  }
  return [
    [unshare, ...(isPlainUser ? ["--user", "--map-root-user"] : []), "--mount"],
    ["--propagation", "slave", "--", "/bin/sh", "-c", script, "tsbuild"],
    [path, stage, lowerFolder, ...optionsToTry(isInitialNamespace() && !isPlainUser)],
  ].flat();
}

/** What mount(8) said last; more lines may follow, with general advice. */
function reasonIn(errors: string): string {
  const lines = errors.split("\n").map((line) => line.trim());
  return lines.findLast((line) => /\bmount:/.test(line)) ?? "mount failed";
}

/**
 * Finds out by doing whether an overlay can be had, and says why not.
 * @param parent where the upper layer would be
 * @param options without a lower folder, any folder will do
 */
export async function overlayRefusal(
  parent: string,
  { lowerFolder, path }: { readonly lowerFolder?: string; readonly path: string },
): Promise<string | undefined> {
  const stageFolder = await mkdtemp(join(parent, "trial-"));
  try {
    const isPlainUser = process.geteuid?.() !== 0;
    const command = mountCommand(
      { stageFolder, lowerFolder: lowerFolder ?? join(stageFolder, "base"), path },
      isPlainUser,
    );
    if (command === undefined || findProgram("nsenter", path) === undefined) return notInstalled;
    const { exitCode, stderr } = await captureProgram(command, { env: { LC_ALL: "C" } });
    return exitCode === 0 ? undefined : reasonIn(stderr);
  } finally {
    await removeFolderTree(stageFolder);
  }
}

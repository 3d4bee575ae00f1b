import { mkdir, mkdtemp, rename } from "node:fs/promises";
import { join } from "node:path";
import { Ledger } from "../folder/ledger.ts";
import { readChanges } from "../folder/read-changes.ts";
import { readFolder } from "../folder/read-folder.ts";
import { writeFolder } from "../folder/write-folder.ts";
import type { Isolation } from "../isolation/isolation.ts";
import type { ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import type { Script } from "../model/plan.ts";
import { mountOptions } from "../system/mount-options.ts";
import { removeFolderTree } from "../system/remove-folder-tree.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { layOverBase, type LaidBase, type LayOptions, type SandboxBase } from "./laid-base.ts";
import { runScript, type RunScriptOptions } from "./run-script.ts";

export interface SandboxOptions {
  /** Where its folder is made: the build's own temporary folder. */
  readonly temporaryFolder: string;
  /** What scripts run with; without, only trees can be written and read. */
  readonly isolation: Isolation | undefined;
}

export interface SandboxLayOptions extends Omit<LayOptions, "stageFolder" | "isolation"> {
  /** Told of paths that a script made and that may have another group than they would have had in a folder. */
  readonly onLostGroups?: ((paths: readonly ByteString[]) => void) | undefined;
}

export type SandboxRunOptions = Omit<
  RunScriptOptions,
  | "script"
  | "rootFolder"
  | "viewFolder"
  | "enterCommand"
  | "upperFolder"
  | "temporaryFolder"
  | "isolation"
  | "ledger"
>;

/**
 * A stage's root file system on disk, for as long as scripts need it there. Everything that touches it has to happen in
 * one id map: this process's.
 */
export class Sandbox implements AsyncDisposable {
  readonly #folder: string;
  readonly #isolation: Isolation | undefined;
  /** What the disk can't hold. */
  readonly ledger = new Ledger();
  /** What is on disk, as far as we know. */
  #written: FileTree | undefined;
  /** An overlay's lower layer, if this is one. */
  #below: FileTree | undefined;
  #laid: LaidBase | undefined;
  #writtenAtNs = 0n;
  #onLostGroups: SandboxLayOptions["onLostGroups"];

  private constructor(folder: string, isolation: Isolation | undefined) {
    this.#folder = folder;
    this.#isolation = isolation;
  }

  /**
   * The root file system, as processes find it that `enterCommand` has started. Its parents are closed to others, it is
   * not: users inside have to get through.
   */
  get rootFolder(): string {
    return this.#laid?.mount.rootFolder ?? join(this.#folder, "rootfs");
  }

  /** The root file system, as this process finds it. */
  get viewFolder(): string {
    return this.#laid?.mount.viewFolder ?? this.rootFolder;
  }

  /** What starts a command where the root file system is mounted; nothing where it is a folder like any other. */
  get enterCommand(): readonly string[] {
    return this.#laid?.mount.enterCommand ?? [];
  }

  /** What has changed, if the root file system is an overlay. */
  get upperFolder(): string | undefined {
    return this.#laid?.mount.upperFolder;
  }

  /** Whether a tree was written or read. */
  get isFilled(): boolean {
    return this.#written !== undefined;
  }

  /**
   * Has the sandbox be an overlay on a base, of which then only differences are written and read. It must not have been
   * filled yet.
   * @returns why that can't be, if so, and whether the base was unpacked before
   * @throws the signal's reason
   */
  async layOver(
    base: SandboxBase,
    options: SandboxLayOptions,
  ): Promise<Partial<Pick<LaidBase, "isOld" | "notBest">> & { readonly refused?: string }> {
    if (this.#isolation === undefined) throw new Error("nothing will run in the sandbox");
    const stageFolder = join(this.#folder, "layers");
    await mkdir(stageFolder, { mode: 0o755 });
    const laid = await layOverBase(base, { ...options, stageFolder, isolation: this.#isolation });
    if ("refused" in laid) return laid;
    this.#laid = laid;
    this.#below = base.tree;
    this.#written = laid.written;
    this.#onLostGroups = options.onLostGroups;
    const { isOld, notBest } = laid;
    return { isOld, ...(notBest === undefined ? {} : { notBest }) };
  }

  /** @throws {HostError} `host/temporary-folder`, `host/noexec` */
  static async create({ temporaryFolder, isolation }: SandboxOptions): Promise<Sandbox> {
    if (mountOptions(temporaryFolder).includes("noexec")) {
      throw new HostError(
        "host/noexec",
        `no script can run below ${temporaryFolder}: its file system is mounted noexec`,
        { hint: "name another folder with --tmpdir or TSBUILD_TMPDIR" },
      );
    }
    try {
      return new Sandbox(await mkdtemp(join(temporaryFolder, "stage-")), isolation);
    } catch (error) {
      throw new HostError("host/temporary-folder", `can't make a folder in ${temporaryFolder}`, {
        cause: error,
        hint: "give a folder that exists and can be written with --tmpdir or TSBUILD_TMPDIR",
      });
    }
  }

  /**
   * Makes the disk hold the tree. After the first time, only what changed is written: a tree that came from `read` keeps
   * the nodes of what was not touched.
   * @throws as `writeFolder`
   */
  async write(tree: FileTree, signal?: AbortSignal): Promise<void> {
    const previous = this.#written;
    this.#written = undefined;
    await writeFolder(tree, this.viewFolder, {
      previous,
      ledger: this.ledger,
      contentsFolder: this.upperFolder,
      elsewhere: this.#laid?.elsewhere,
      signal,
    });
    this.#written = tree.clone();
    // Files that were just made may have been born in the millisecond that is not yet over.
    this.#writtenAtNs = BigInt(Date.now() + 1) * 1_000_000n;
  }

  /**
   * What is on disk. Contents stay there: the sandbox must live as long as the tree is used.
   * @throws as `readFolder` and `readChanges`, {HostError} `host/overlay-ended`
   */
  async read(signal?: AbortSignal): Promise<FileTree> {
    const tree = await this.#readDisk(signal);
    this.#written = tree.clone();
    return tree;
  }

  async #readDisk(signal: AbortSignal | undefined): Promise<FileTree> {
    const options = {
      ledger: this.ledger,
      makeReadable: true,
      // Without an id map all files are ours on disk, and what the ledger doesn't know was made by a script as root.
      ...(process.geteuid?.() === 0 ? {} : { owner: { uid: 0, gid: 0 } }),
      signal,
    };
    if (this.#laid === undefined || this.#below === undefined) {
      return readFolder(this.rootFolder, options);
    }
    const { mount, lowerFolder } = this.#laid;
    mount.check();
    const { viewFolder: folder, upperFolder, way } = mount;
    const lastWritten =
      this.#written === undefined ? undefined : { tree: this.#written, atNs: this.#writtenAtNs };
    const view = { folder, upperFolder, lowerFolder, notes: way.notes, lastWritten };
    const lost: ByteString[] = [];
    const onLostGroup = (path: ByteString) => void lost.push(path);
    const tree = await readChanges(view, this.#below, { ...options, onLostGroup });
    if (lost.length > 0) this.#onLostGroups?.(lost);
    return tree;
  }

  /**
   * Runs `%post` or `%test` in it. What is on disk has to be read again afterwards.
   * @throws as `runScript`, {HostError} `host/overlay-ended`
   */
  async run(script: Script, options: SandboxRunOptions): Promise<void> {
    if (this.#isolation === undefined)
      throw new Error("the sandbox has nothing to run scripts with");
    try {
      await runScript({
        ...options,
        script,
        rootFolder: this.rootFolder,
        viewFolder: this.viewFolder,
        enterCommand: this.enterCommand,
        upperFolder: this.upperFolder,
        temporaryFolder: this.#folder,
        isolation: this.#isolation,
        ledger: this.ledger,
      });
    } catch (error) {
      // Then the script may not be to blame.
      this.#laid?.mount.check();
      throw error;
    }
  }

  /**
   * Gives the root file system away: it becomes the target, which must not exist. The sandbox is of no use afterwards.
   * @throws {HostError} `host/move-sandbox`
   */
  async moveTo(target: string): Promise<void> {
    try {
      await rename(this.rootFolder, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EXDEV") {
        throw new HostError(
          "host/move-sandbox",
          `can't put the sandbox in place as ${target}: ${error instanceof Error ? error.message : String(error)}`,
          { hint: "its folder has to exist and be yours to write to", cause: error },
        );
      }
      // Another file system: made there beside the target, so that it appears whole.
      const beside = `${target}.tsbuild-${process.pid}`;
      try {
        await writeFolder(await this.read(), beside);
        await rename(beside, target);
      } catch (failure) {
        await removeFolderTree(beside);
        throw failure;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#laid?.[Symbol.asyncDispose]();
    await removeFolderTree(this.#folder);
  }
}

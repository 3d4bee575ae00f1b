// What is known of a script that is only told that it is root: one that runs by another program's doing, where none of our
// threads can stand in its root folder. Every call that gives a file away, makes a device or becomes another user waits
// here for a moment. Owners go into the ledger, which gives them to the image; the rest is lost, and named.

import { lstatSync, readlinkSync, statSync } from "node:fs";
import { posix } from "node:path";
import type { Ledger } from "../folder/ledger.ts";
import type { Witnessing } from "../isolation/isolation.ts";
import type { SupervisedCall } from "../isolation/system-call-numbers.ts";
import { splitDevice } from "../system/syscalls.ts";
import { errnoNumber } from "./kernel.ts";
import type { Listener } from "./listener.ts";
import { readProcessText } from "./process-memory.ts";

/** Something that a script asked for and does not get. */
export interface Loss {
  /** Inside the root, absolute; as the script named it where it is not known what that means. */
  readonly path: string;
  readonly what: string;
}

export interface WitnessOptions {
  readonly ledger: Ledger;
  /** The root file system on the host. */
  readonly rootFolder: string;
  /** What a path means inside: without symlinks. Undefined where it leads nowhere. */
  readonly resolve: (path: string) => string | undefined;
  readonly witnessing: Witnessing;
}

const currentFolder = -100; // AT_FDCWD
const noFollow = 0x100; // AT_SYMLINK_NOFOLLOW
const emptyPath = 0x1000; // AT_EMPTY_PATH
const unchanged = 0xffff_ffff;
const [missing, badAddress] = ["ENOENT", "EFAULT"].map((name) => errnoNumber(name)) as [
  number,
  number,
];

/** A file that a call is about. */
interface Found {
  readonly path: string;
  /** Its place on the host; undefined where that is not known. */
  readonly file: string | undefined;
}

export class Witness {
  readonly #options: WitnessOptions;
  readonly #losses = new Map<string, string>();
  readonly #users = new Set<number>();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** What was asked for and is not to be had, each path once: what was asked last counts. */
  get losses(): readonly Loss[] {
    return [...this.#losses].map(([path, what]) => ({ path, what }));
  }

  /** Other users that programs became: what these made is root's. */
  get users(): readonly number[] {
    return [...this.#users].toSorted((a, b) => a - b);
  }

  /** Answers the call that waits. */
  answer(listener: Listener): void {
    const { call } = listener;
    if (call === undefined) listener.proceed();
    else if (call === "mknod") this.#device(listener, currentFolder, 0);
    else if (call === "mknodat") this.#device(listener, listener.int(0), 1);
    else if (call.startsWith("set")) this.#identity(listener, call);
    else this.#owner(listener, call);
  }

  #identity(listener: Listener, call: SupervisedCall): void {
    // setreuid(real, effective), setresuid(real, effective, saved): files belong to the effective one.
    const uid = listener.uint(call === "setreuid" || call === "setresuid" ? 1 : 0);
    if (uid !== unchanged && uid !== 0) this.#users.add(uid);
    listener.succeed();
  }

  #device(listener: Listener, folder: number, pathArgument: number): void {
    const found = this.#find(listener, folder, pathArgument, false);
    if (found === undefined) return listener.fail(badAddress);
    const type = (listener.uint(pathArgument + 1) & 0o170_000) === 0o060_000 ? "b" : "c";
    const { major, minor } = splitDevice(BigInt(listener.uint(pathArgument + 2)));
    this.#losses.set(found.path, `device ${type} ${major}:${minor}`);
    listener.succeed();
  }

  #owner(listener: Listener, call: SupervisedCall): void {
    const isAt = call === "fchownat";
    const first = isAt ? 2 : 1;
    const flags = isAt ? listener.int(4) : 0;
    const found =
      call === "fchown"
        ? this.#opened(listener.pid, listener.int(0))
        : this.#find(
            listener,
            isAt ? listener.int(0) : currentFolder,
            isAt ? 1 : 0,
            call !== "lchown" && (flags & noFollow) === 0,
            (flags & emptyPath) !== 0,
          );
    if (found === undefined) return listener.fail(badAddress);
    const [uid, gid] = [listener.uint(first), listener.uint(first + 1)];
    // Whoever asked may be gone, and its number somebody else's.
    if (!listener.isWaiting()) return;
    if (found.file === undefined) {
      if (uid !== 0 || gid !== 0)
        this.#losses.set(found.path, `owner ${idText(uid)}:${idText(gid)}`);
      return listener.succeed();
    }
    const stat = this.#stat(found.file, call === "fchown");
    // A device was not made.
    if (stat === undefined)
      return this.#losses.has(found.path) ? listener.succeed() : listener.fail(missing);
    const { ledger } = this.#options;
    const known = ledger.noted(stat) ?? { uid: 0, gid: 0 };
    const isUnchanged = {
      uid: this.#isUnchanged(uid, stat.uid),
      gid: this.#isUnchanged(gid, stat.gid),
    };
    const owner = {
      uid: isUnchanged.uid ? known.uid : uid,
      gid: isUnchanged.gid ? known.gid : gid,
    };
    // All files are this user's on disk, and are taken for root's.
    ledger.noteOwner(stat, owner, undefined, true);
    this.#losses.delete(found.path);
    const isFile = (stat.mode & 0o170_000n) === 0o100_000n;
    // The kernel would take them away: another owner's program is not to be what root's was.
    if (isFile && (stat.mode & 0o6000n) !== 0n)
      this.#losses.set(found.path, "set-id bits stay with a new owner");
    listener.succeed();
  }

  /** Where the disk's own numbers may shine through, one of them that comes back says what was there. */
  #isUnchanged(id: number, onDisk: bigint): boolean {
    const { showsOwnIds } = this.#options.witnessing;
    return id === unchanged || (showsOwnIds && BigInt(id) === onDisk);
  }

  #stat(file: string, follow: boolean) {
    try {
      return (follow ? statSync : lstatSync)(file, { bigint: true, throwIfNoEntry: false });
    } catch {
      return undefined;
    }
  }

  /** What an open file is. */
  #opened(pid: number, descriptor: number): Found | undefined {
    const file = `/proc/${pid}/${descriptor === currentFolder ? "cwd" : `fd/${descriptor}`}`;
    try {
      return { path: this.#inside(readlinkSync(file)), file };
    } catch {
      return undefined;
    }
  }

  /** A path of the host as the script has it. Links of /proc show either, as mounts are. */
  #inside(path: string): string {
    const { rootFolder } = this.#options;
    if (path === rootFolder) return "/";
    return path.startsWith(`${rootFolder}/`) ? path.slice(rootFolder.length) : path;
  }

  #find(
    listener: Listener,
    folder: number,
    pathArgument: number,
    follow: boolean,
    mayBeEmpty = false,
  ): Found | undefined {
    const { pid } = listener;
    const text = readProcessText(pid, BigInt(listener.address(pathArgument)));
    if (text === undefined) return undefined;
    const name = text.toString("utf8");
    if (name === "") return mayBeEmpty ? this.#opened(pid, folder) : { path: "", file: undefined };
    // Who follows programs by ptrace may have put the place on the host there.
    let path = this.#inside(name);
    const { rootFolder, resolve, witnessing } = this.#options;
    if (!name.startsWith("/")) {
      if (folder === currentFolder && !witnessing.knowsWorkingFolders) {
        return { path: name, file: undefined };
      }
      const start = this.#opened(pid, folder);
      if (start === undefined) return undefined;
      path = posix.join(start.path, name);
    }
    const place = follow ? resolve(path) : besides(path, resolve);
    return place === undefined
      ? { path, file: undefined }
      : { path: place, file: rootFolder + place };
  }
}

/** A path of which all but the last name is resolved. */
function besides(path: string, resolve: WitnessOptions["resolve"]): string | undefined {
  const folder = resolve(posix.dirname(path));
  return folder === undefined ? undefined : posix.join(folder, posix.basename(path));
}

const idText = (id: number): string => (id === unchanged ? "" : String(id));

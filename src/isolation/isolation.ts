// The words of this module. A way is how a script can be root in a root file system on this machine: `root.ts`,
// `subid.ts` …, listed strongest first in `ways.ts`. Checking a way gives an `Isolation`, which turns what is to be run
// into an argument list and does nothing itself.

import type { HostFacts } from "./host-facts.ts";

export type WayName = "root" | "subid" | "ident" | "single" | "bwrap" | "chroot" | "proot";

/** What a way may be unable to do. The caller refuses what was asked for, or arranges it otherwise. */
export type Lack =
  /** Anything at a place of the root file system: files have to be put there and taken away. */
  | "mounts"
  /** A network of its own. */
  | "network"
  /** Files that are in no root file system: secrets. */
  | "secrets"
  /** A root that can't be written. */
  | "read-only"
  /** A root of which nothing is kept. */
  | "throw-away"
  /** To end all that was started. */
  | "processes";

/** What a script finds at a place of its root file system. Targets exist, are absolute there and hold no symlink. */
export type Mount =
  | { readonly kind: "proc" }
  | { readonly kind: "sys" }
  /** A /dev of its own: the usual devices, terminals, shared memory. */
  | { readonly kind: "dev" }
  | {
      readonly kind: "bind";
      /** A file, folder or device of the host. */
      readonly source: string;
      readonly target: string;
      readonly readOnly: boolean;
    }
  | { readonly kind: "tmpfs"; readonly target: string; readonly mode: number };

export interface RunRequest {
  /** The root file system on the host, absolute. */
  readonly rootFolder: string;
  /** What starts a command where the root file system is mounted, if that is another mount namespace (`allowsOverlays`). */
  readonly enterCommand?: readonly string[] | undefined;
  /** A folder with the isolation's `files`, on the host, absolute. */
  readonly workFolder: string;
  readonly mounts: readonly Mount[];
  /** `throw-away` can be written, and nothing of it is kept. */
  readonly root: "writable" | "read-only" | "throw-away";
  /** Files that are made below a tmpfs, mode 0400, of what comes by file descriptor 5: one line of base64 for each. */
  readonly secrets: readonly string[];
  readonly network: "host" | "none";
  /** Program, as seen inside, and arguments. */
  readonly command: readonly string[];
}

/** A file that has to be in the work folder when the command line runs. */
export interface IsolationFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** A filter's listener comes by file descriptor `listenerDescriptor`, a socket, and somebody has to answer. */
export interface Supervision {
  /** The program that loads the filter changes its root folder once more. */
  readonly expectsChroot: boolean;
  /** How many ids the disk can hold, from 0 on. */
  readonly ids: number;
}

/** What is done for a script is only said to be done, and somebody notes it. */
export interface Witnessing {
  /** Whether the working folder of a process is what the kernel says it is. */
  readonly knowsWorkingFolders: boolean;
  /** Whether scripts on the host are heard, too. */
  readonly hearsHost: boolean;
  /** Whether a script may see files as this user's, by number, instead of root's. */
  readonly showsOwnIds: boolean;
}

/** A way that works here, ready to be used. */
export interface Isolation {
  readonly name: WayName;
  /** Whether the owners that a script gives to files are known afterwards; otherwise everything is root's. */
  readonly keepsOwners: boolean;
  /** How owners and devices come to be known that are not on disk; they are lost without it. */
  readonly supervision?: Supervision | undefined;
  /** A filter's listener comes as with a supervision, and somebody has to note what is asked for. */
  readonly witness?: Witnessing | undefined;
  readonly lacks: readonly Lack[];
  /** Scripts can start in another mount namespace. */
  readonly allowsOverlays?: boolean | undefined;
  /** Further settings for apt in there, where it is the image's package manager. */
  readonly aptSettings?: readonly string[] | undefined;
  readonly files: readonly IsolationFile[];
  /** What has to be found inside besides. @param workFolder a folder with `files` */
  readonly ownMounts?: ((workFolder: string) => readonly Mount[]) | undefined;
  /** The value of `TSBUILD_PATH` for a command line. */
  readonly hostPath: string;
  /**
   * The argument list that runs the request: strings only, can be pasted into a shell. The program writes the line
   * `ready` to file descriptor 3 as soon as the script's own program is about to start; if it ends before, setting up
   * failed. `loopback` before says that a network of its own has none. `done` may follow when the script has ended; then
   * a line is waited for on file descriptor 5, for somebody to measure. File descriptor 4, if open, ends when tsbuild does.
   * Its environment becomes the script's, but for `TSBUILD_PATH`, where the host's programs are looked for.
   */
  commandLine(request: RunRequest): readonly string[];
  /** The argument list that runs a command of the host with what the way can do for it there. */
  hostCommandLine(command: readonly string[], workFolder: string): readonly string[];
}

/** How ids inside stand for ids outside: COUNT ids from INSIDE on are those from OUTSIDE on (user_namespaces(7)). */
export interface IdMapRow {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** How the whole program gets to where the way works: it starts itself again in a user namespace. */
export interface Entry {
  readonly way: WayName;
  /** What comes before the program's own argument list. */
  readonly prefix: readonly string[];
  /** Who writes the id maps once the namespace is there; `prefix` waits for a line on file descriptor 3 then. */
  readonly mapper:
    | { readonly kind: "prefix" }
    | { readonly kind: "programs"; readonly newuidmap: string; readonly newgidmap: string }
    | { readonly kind: "files" };
  readonly uidMap: readonly IdMapRow[];
  readonly gidMap: readonly IdMapRow[];
}

export type Verdict =
  | {
      readonly works: true;
      /** Undefined when the program first has to start itself again, as `entry` says. */
      readonly isolation: Isolation | undefined;
      readonly entry: Entry | undefined;
      /** What can't be had this way, one sentence each. */
      readonly losses: readonly string[];
    }
  | { readonly works: false; readonly reason: string; readonly hint?: string | undefined };

export interface Way {
  readonly name: WayName;
  /** One sentence for help. */
  readonly summary: string;
  /** Finds out by doing: what settings say about a machine and what it does are two things. */
  check(facts: HostFacts): Promise<Verdict>;
}

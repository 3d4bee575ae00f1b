import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { setImmediate } from "node:timers/promises";
import { bytesOf, displayName, type ByteString } from "../model/bytes-path.ts";
import { ScriptError } from "../model/error.ts";
import type { Attributes, FileNode, LeafNode } from "../model/node.ts";
import type { CopyLine } from "../model/plan.ts";
import { splitDevice } from "../system/syscalls.ts";
import { Directory, type FileTree } from "../tree/file-tree.ts";
import { copyError, shown } from "./copy-error.ts";
import { joined, resolveFor } from "./destination.ts";
import { inheritGroup } from "./inherit-group.ts";
import { Overwriter } from "./overwrite.ts";

/** What new files are like, whoever builds: root's, made now. */
export interface NewFiles {
  readonly timeSeconds: number;
  /** Taken out of the mode of everything that is made. */
  readonly umask: number;
}

/**
 * Copies from this machine into a tree as `cp -fLr` does: all symlinks of the machine are followed; owner, time, links
 * and extended attributes are not kept, nor set-id bits; a file that exists keeps its mode and owner.
 */
export class HostCopier {
  readonly #tree: FileTree;
  readonly #files: NewFiles;
  readonly #overwriter: Overwriter;
  #steps = 0;

  constructor(tree: FileTree, files: NewFiles) {
    this.#tree = tree;
    this.#files = files;
    this.#overwriter = new Overwriter(tree);
  }

  /**
   * @param source the file or directory
   * @param to its path in the tree, whose parent exists
   * @throws {ScriptError} `files/unreadable`, `files/target`, `files/loop`
   */
  async copy(source: ByteString, to: ByteString, line: CopyLine): Promise<void> {
    await this.#copy(source, to, line, []);
  }

  async #copy(
    source: ByteString,
    to: ByteString,
    line: CopyLine,
    above: readonly string[],
  ): Promise<void> {
    if (++this.#steps % 1000 === 0) await setImmediate();
    const { stat, isLink } = statOf(source, line);
    if (!stat.isDirectory()) {
      this.#copyLeaf(source, stat, isLink, to, line);
      return;
    }
    const inode = `${stat.dev}:${stat.ino}`;
    if (above.includes(inode)) {
      throw copyError(
        "loop",
        line,
        `${displayName(source)} leads back to a folder that it is in`,
        "symlinks are followed, as Apptainer does; remove the link, or copy its neighbours one by one",
      );
    }
    this.#enterDirectory(source, stat, to, line);
    for (const name of namesIn(source, line)) {
      await this.#copy(`${source}/${name}`, joined(to, name), line, [...above, inode]);
    }
  }

  #enterDirectory(source: ByteString, stat: BigIntStats, to: ByteString, line: CopyLine): void {
    const there = this.#tree.lookup(to);
    if (there instanceof Directory) return;
    if (there !== undefined) {
      const followed = there.type === "symlink" ? resolveFor(this.#tree, to, line).path : undefined;
      throw copyError(
        "target",
        line,
        `can't copy the folder ${displayName(source)} over ${shown(to)}, which is a ${there.type}`,
        followed === undefined
          ? "choose another destination"
          : `copy what is in it to ${shown(followed)}/ instead`,
      );
    }
    // mkdir() knows the sticky bit, but no set-id bits.
    const mode = Number(stat.mode & 0o1777n) & ~this.#files.umask;
    const made = { type: "directory", ...this.#attributes(mode) } as const;
    this.#tree.put(to, inheritGroup(this.#tree, to, made));
  }

  #copyLeaf(
    source: ByteString,
    stat: BigIntStats,
    isLink: boolean,
    to: ByteString,
    line: CopyLine,
  ): void {
    const node = this.#nodeOf(source, stat, isLink, line);
    // A regular file is written through a symlink that is there; everything else replaces it.
    const place =
      node.type === "file" && this.#tree.get(to)?.type === "symlink"
        ? this.#throughLink(source, to, line)
        : to;
    const there = this.#tree.lookup(place);
    if (there instanceof Directory) {
      throw copyError(
        "target",
        line,
        `can't copy ${displayName(source)} over the directory ${shown(place)}`,
        "choose another destination",
      );
    }
    if (node.type === "file" && there?.type === "file") {
      const { sizeBytes, content, mtimeSeconds } = node;
      this.#overwriter.overwrite(there, { sizeBytes, content, mtimeSeconds });
      return;
    }
    if (there !== undefined && there.type !== "file" && there.type !== "symlink") {
      throw copyError(
        "target",
        line,
        `can't copy ${displayName(source)} over ${shown(place)}, which is a ${there.type}`,
        "choose another destination",
      );
    }
    const slash = place.lastIndexOf("/");
    const parent = this.#tree.lookup(place.slice(0, Math.max(slash, 0)));
    const made = inheritGroup(this.#tree, place, node);
    this.#tree.put(place, made);
    if (parent instanceof Directory) this.#overwriter.added(made, parent, place.slice(slash + 1));
  }

  #throughLink(source: ByteString, to: ByteString, line: CopyLine): ByteString {
    let resolved: ReturnType<typeof resolveFor>;
    try {
      resolved = resolveFor(this.#tree, to, line);
    } catch (error) {
      // What can't be opened, `cp -f` removes; a link that leads in a circle is such.
      if (error instanceof ScriptError && error.code === "files/loop") return to;
      throw error;
    }
    const { path, held } = resolved;
    if (held !== undefined) return path;
    throw copyError(
      "target",
      line,
      `can't copy ${displayName(source)} over ${shown(to)}, a symlink to ${shown(path)}, which is not there`,
      `copy it to ${shown(path)} instead`,
    );
  }

  #nodeOf(source: ByteString, stat: BigIntStats, isLink: boolean, line: CopyLine): LeafNode {
    const attributes = this.#attributes(Number(stat.mode & 0o777n) & ~this.#files.umask);
    if (stat.isFile()) {
      return { type: "file", ...attributes, ...contentOf(source, stat, isLink, line) };
    }
    if (stat.isFIFO()) return { type: "fifo", ...attributes };
    if (stat.isSocket()) return { type: "socket", ...attributes };
    const type = stat.isBlockDevice() ? "block-device" : "character-device";
    return { type, ...attributes, ...splitDevice(stat.rdev) };
  }

  #attributes(mode: number): Attributes {
    return { mode, uid: 0, gid: 0, mtimeSeconds: this.#files.timeSeconds };
  }
}

function contentOf(
  source: ByteString,
  stat: BigIntStats,
  isLink: boolean,
  line: CopyLine,
): Pick<FileNode, "sizeBytes" | "content"> {
  const file = bytesOf(source);
  try {
    // Contents are read much later, when a missing right would come as a surprise.
    accessSync(file, constants.R_OK);
    // And they are read without following a symlink that might come into the file's place.
    const path = isLink ? realpathSync(file, "buffer") : file;
    return {
      sizeBytes: Number(stat.size),
      content: { kind: "host-file", path, mtimeNs: stat.mtimeNs },
    };
  } catch (error) {
    throw unreadable(source, line, error);
  }
}

function namesIn(folder: ByteString, line: CopyLine): ByteString[] {
  try {
    return readdirSync(bytesOf(folder), "latin1").toSorted();
  } catch (error) {
    throw unreadable(folder, line, error);
  }
}

/** What a path leads to, and whether there is a symlink at its end. */
function statOf(
  path: ByteString,
  line: CopyLine,
): { readonly stat: BigIntStats; readonly isLink: boolean } {
  const file = bytesOf(path);
  try {
    const own = lstatSync(file, { bigint: true });
    const isLink = own.isSymbolicLink();
    return { stat: isLink ? statSync(file, { bigint: true }) : own, isLink };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") throw unreadable(path, line, error);
    throw copyError(
      (error as NodeJS.ErrnoException).code === "ELOOP" ? "loop" : "missing",
      line,
      `can't copy ${displayName(path)}: ${(error as Error).message.replace(/^\w+: /, "")}`,
      "a symlink that leads nowhere can't be copied, because what it points at is",
      error,
    );
  }
}

/** The error for something of this machine that exists, but not for us. */
export function unreadable(path: ByteString, line: CopyLine, cause: unknown): unknown {
  return copyError(
    "unreadable",
    line,
    `can't read ${displayName(path)}`,
    "give yourself the right to read it, or leave it out",
    cause,
  );
}

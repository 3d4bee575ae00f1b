import { accessSync, constants, lstatSync, readlinkSync, type Stats } from "node:fs";
import { bytesOf, displayName, type ByteString } from "../model/bytes-path.ts";
import { HostError } from "../model/error.ts";
import type { FileNode } from "../model/node.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { unreadable } from "./host-machine.ts";

const maxLinks = 40;

/** What a path of the host leads to. */
export interface HostEntry {
  /** Without symlinks, absolute. */
  readonly path: ByteString;
  readonly type: "file" | "directory" | "other" | "missing";
}

/**
 * Copies paths of this machine into a tree, so that they can be asked for inside by the same names: every symlink on the
 * way is there, and what it leads to. All belongs to root; set-id bits and extended attributes (file capabilities) are
 * dropped, other modes and times of files kept. Contents are references to the host's files.
 */
export class HostCopier {
  readonly #tree: FileTree;
  readonly #timeSeconds: number;
  /** Names of one file are names of one node. */
  readonly #nodes = new Map<string, FileNode>();

  /** @param timeSeconds the time that directories get, as theirs tells of changes that have nothing to do with the image */
  constructor(tree: FileTree, timeSeconds: number) {
    this.#tree = tree;
    this.#timeSeconds = timeSeconds;
  }

  /**
   * Adds what the path leads to, and all on the way. Neither devices, sockets and pipes nor what is in a directory are
   * added, but told.
   * @throws {HostError} `host/file-unreadable`
   */
  add(path: ByteString): HostEntry {
    const pending = path.split("/").toReversed();
    const names: ByteString[] = [];
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        names.pop();
        continue;
      }
      const inside = [...names, name].join("/");
      const known = this.#tree.get(inside);
      if (known?.type === "directory") {
        names.push(name);
        continue;
      }
      const stats = statOf(`/${inside}`);
      if (stats === undefined) return { path: `/${inside}`, type: "missing" };
      if (stats.isSymbolicLink()) {
        links++;
        if (links > maxLinks) throw loop(path);
        const target = this.#addLink(inside, stats);
        if (target.startsWith("/")) names.length = 0;
        for (const part of target.split("/").toReversed()) pending.push(part);
      } else if (stats.isDirectory()) {
        this.#tree.put(inside, {
          ...this.#attributes(stats),
          type: "directory",
          mtimeSeconds: this.#timeSeconds,
        });
        names.push(name);
      } else {
        // A file with something after it leads nowhere.
        if (pending.some((part) => part !== "" && part !== ".")) {
          return { path: `/${inside}`, type: "missing" };
        }
        if (!stats.isFile()) return { path: `/${inside}`, type: "other" };
        this.#addFile(inside, stats);
        return { path: `/${inside}`, type: "file" };
      }
    }
    return { path: `/${names.join("/")}`, type: "directory" };
  }

  #addLink(inside: ByteString, stats: Stats): ByteString {
    const target = readlinkSync(bytesOf(`/${inside}`), "latin1");
    this.#tree.put(inside, { ...this.#attributes(stats), type: "symlink", mode: 0o777, target });
    return target;
  }

  #addFile(inside: ByteString, stats: Stats): void {
    const path = bytesOf(`/${inside}`);
    try {
      accessSync(path, constants.R_OK);
    } catch (error) {
      throw unreadable(`/${inside}`, error);
    }
    const inode = `${stats.dev}:${stats.ino}`;
    let node = this.#nodes.get(inode);
    if (node === undefined) {
      node = {
        ...this.#attributes(stats),
        type: "file",
        mode: stats.mode & 0o777,
        sizeBytes: stats.size,
        content: { kind: "host-file", path },
      };
      this.#nodes.set(inode, node);
    }
    this.#tree.put(inside, node);
  }

  #attributes(stats: Stats) {
    const mtimeSeconds = Math.floor(stats.mtimeMs / 1000);
    return { mode: stats.mode & 0o1777, uid: 0, gid: 0, mtimeSeconds };
  }
}

function statOf(path: ByteString): Stats | undefined {
  try {
    return lstatSync(bytesOf(path));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw unreadable(path, error);
  }
}

function loop(path: ByteString): HostError {
  return new HostError(
    "host/file-unreadable",
    `can't read ${displayName(path)}: it leads through more than ${maxLinks} symlinks`,
    { hint: "two symlinks of this machine point at each other" },
  );
}

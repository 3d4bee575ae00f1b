import type { ByteString } from "../model/bytes-path.ts";
import type { Node } from "../model/node.ts";
import { removeXattr, setXattr } from "../system/syscalls.ts";
import type { DiskEntry } from "./disk-entry.ts";
import { errnoOf } from "./folder-error.ts";
import type { Ledger } from "./ledger.ts";

/** Not allowed, an owner that the user namespace doesn't map, or nothing that this file system has. */
const cannot = new Set(["EPERM", "EINVAL", "EOVERFLOW", "ENOTSUP", "EOPNOTSUPP"]);

/** What file systems say to an attribute that is bigger than they can hold: ext4 keeps one block of them for a file. */
const tooBig = new Set(["ENOSPC", "EDQUOT", "E2BIG", "ERANGE"]);

const none: ReadonlyMap<ByteString, Uint8Array> = new Map();

/**
 * Gives what is on disk the attributes of its node; what can't be had goes into the ledger. The order matters: a new
 * owner takes set-id bits and file capabilities away, and a mode can deny setting attributes.
 */
export class AttributeWriter {
  readonly #ledger: Ledger;
  /** Owners that were refused, so that nobody asks 50,000 times. */
  readonly #refused = new Set<string>();
  readonly #privileged = process.geteuid?.() === 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * @param entry a file whose contents are written, or a directory whose children are
   * @param before the node whose attributes it has, unless it is new
   */
  apply(entry: DiskEntry, node: Node, before?: Node): void {
    const sameOwner = before?.uid === node.uid && before.gid === node.gid;
    const owned = (sameOwner && this.#privileged) || this.#chown(entry, node);
    const missing = this.#setXattrs(entry, node, before);
    if (node.type !== "symlink") entry.chmod(node.mode);
    entry.setTimes(timeOf(node.mtimeSeconds));
    // Root is told about everything that fails; others may lose a set-group-id bit without a word. Symlinks and a
    // device's placeholder need a look as well.
    const placeholder = node.type === "character-device" || node.type === "block-device";
    if (!owned || missing.size > 0 || placeholder || !this.#privileged || this.#ledger.size > 0) {
      this.#ledger.remember(entry.stat(), node, missing, !this.#privileged);
    }
  }

  #chown(entry: DiskEntry, node: Node): boolean {
    const owner = `${node.uid}:${node.gid}`;
    if (this.#refused.has(owner)) return false;
    try {
      entry.chown(node.uid, node.gid);
      return true;
    } catch (error) {
      if (!cannot.has(errnoOf(error) ?? "")) throw error;
      this.#refused.add(owner);
      return false;
    }
  }

  /** Gives those that could not be set. */
  #setXattrs(entry: DiskEntry, node: Node, before: Node | undefined): typeof none {
    const wanted = node.xattrs ?? none;
    const had = before?.xattrs ?? none;
    if (wanted.size === 0 && had.size === 0) return none;
    if (before !== undefined && !this.#privileged && node.type !== "symlink") {
      // Who owns a file may still not set its attributes when the mode denies to write.
      entry.chmod(before.mode | 0o600);
    }
    for (const name of had.keys()) {
      if (!wanted.has(name)) tryTo(() => removeXattr(entry.path, name));
    }
    const missing = new Map<ByteString, Uint8Array>();
    for (const [name, value] of wanted) {
      if (!tryTo(() => setXattr(entry.path, name, value), tooBig)) missing.set(name, value);
    }
    return missing;
  }
}

/** Whether it could be done. @throws for failures other than a missing right or ability */
function tryTo(action: () => void, alsoCannot?: ReadonlySet<string>): boolean {
  try {
    action();
    return true;
  } catch (error) {
    const errno = errnoOf(error) ?? "";
    // One that was never on disk (it is in the ledger) can't be taken away.
    if (errno !== "ENODATA" && !cannot.has(errno) && alsoCannot?.has(errno) !== true) throw error;
    return false;
  }
}

/** Node takes negative numbers for "now", but not dates before 1970. */
function timeOf(seconds: number): number | Date {
  const largest = 8_640_000_000_000;
  return seconds >= 0 ? Math.min(seconds, largest) : new Date(Math.max(seconds, -largest) * 1000);
}

// Lists a folder as the kernel shows it, by plain calls and getfattr: nothing of tsbuild's own readers is in here.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readSync, readdirSync, readlinkSync } from "node:fs";

export interface ListedEntry {
  readonly type: string;
  /** Octal, as `chmod` takes it. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
  /** Every name of the inode inside the folder, sorted; only where there is more than one. */
  readonly names?: readonly string[];
  /** Values in hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** By path without a leading slash, one character for each byte of a name; the root is the empty path. */
export type TreeList = Readonly<Record<string, ListedEntry>>;

const types: readonly [number, string][] = [
  [0o040000, "directory"],
  [0o100000, "file"],
  [0o120000, "symlink"],
  [0o020000, "character-device"],
  [0o060000, "block-device"],
  [0o010000, "fifo"],
  [0o140000, "socket"],
];

const piece = Buffer.allocUnsafe(1 << 20);

function hashFile(file: Buffer): string {
  const hash = createHash("sha256");
  const handle = openSync(file, "r");
  try {
    for (let got = readSync(handle, piece); got > 0; got = readSync(handle, piece)) {
      hash.update(piece.subarray(0, got));
    }
  } finally {
    closeSync(handle);
  }
  return hash.digest("hex");
}

/** getfattr writes bytes that are not printable, and backslashes, as `\ooo`. */
const unescape = (text: string) =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

function readXattrs(folder: string): Map<string, Record<string, string>> {
  const run = spawnSync(
    "getfattr",
    ["--recursive", "--physical", "--no-dereference", "-d", "-m", "-", "-e", "hex", "."],
    { cwd: folder, maxBuffer: 1 << 30, encoding: "latin1" },
  );
  // A SquashFS without a table of attributes answers that it does not have any.
  const complaints = run.stderr
    .split("\n")
    .filter((line) => !/^$|: Operation not supported$/.test(line));
  if (run.error !== undefined) throw run.error;
  if (complaints.length > 0) throw new Error(`getfattr: ${complaints.slice(0, 5).join("\n")}`);
  const found = new Map<string, Record<string, string>>();
  for (const block of run.stdout.split("\n\n")) {
    const [first, ...lines] = block.split("\n").filter((line) => line !== "");
    if (first === undefined) continue;
    const path = unescape(first.replace(/^# file: /, ""));
    const values = lines.map((line) => {
      const at = line.indexOf("=");
      return at < 0 ? [unescape(line), "0x"] : [unescape(line.slice(0, at)), line.slice(at + 1)];
    });
    found.set(path === "." ? "" : path, Object.fromEntries(values) as Record<string, string>);
  }
  return found;
}

/** Everything in a folder, without following a link. */
export function listTree(folder: string): TreeList {
  const entries: Record<string, ListedEntry> = Object.create(null) as Record<string, ListedEntry>;
  const names = new Map<string, string[]>();
  const xattrs = readXattrs(folder);
  const pending = [""];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const file = Buffer.from(path === "" ? folder : `${folder}/${path}`, "latin1");
    const stat = lstatSync(file);
    const type = types.find(([bits]) => (stat.mode & 0o170000) === bits)?.[1] ?? "unknown";
    if (type === "directory") {
      for (const name of readdirSync(file, "latin1")) {
        pending.push(path === "" ? name : `${path}/${name}`);
      }
    } else if (stat.nlink > 1) {
      const inode = `${stat.dev}:${stat.ino}`;
      names.set(inode, [...(names.get(inode) ?? []), path]);
    }
    const attributes = xattrs.get(path);
    entries[path] = {
      type,
      mode: (stat.mode & 0o7777).toString(8),
      uid: stat.uid,
      gid: stat.gid,
      mtimeSeconds: Math.floor(stat.mtimeMs / 1000),
      ...(type === "file" ? { sizeBytes: stat.size, sha256: hashFile(file) } : {}),
      ...(type === "symlink" ? { target: readlinkSync(file, "latin1") } : {}),
      ...(type.endsWith("-device") ? { device: stat.rdev.toString(16) } : {}),
      ...(attributes === undefined ? {} : { xattrs: attributes }),
    };
  }
  for (const group of names.values()) {
    if (group.length < 2) continue;
    const sorted = group.toSorted();
    for (const path of group) {
      const entry = entries[path];
      if (entry !== undefined) entries[path] = { ...entry, names: sorted };
    }
  }
  return entries;
}

// Run as a program, it prints the list of a folder: a mount can then be private to this process.
if (import.meta.main) {
  const [folder = ""] = process.argv.slice(2);
  process.stdout.write(Buffer.from(JSON.stringify(listTree(folder)), "latin1"));
}

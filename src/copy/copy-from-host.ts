import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { bytesOf, displayName, toByteString, type ByteString } from "../model/bytes-path.ts";
import type { TextEncoding } from "../model/definition.ts";
import type { CopyLine } from "../model/plan.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { copyError, expandError } from "./copy-error.ts";
import { joined, lastName, openDestination } from "./destination.ts";
import { ExpandError } from "./expand-error.ts";
import { expandWord } from "./expand-word.ts";
import { glob, type GlobPlace } from "./glob.ts";
import { HostCopier, unreadable } from "./host-copier.ts";
import { similarNames } from "./similar-names.ts";

export interface HostCopyOptions {
  /** Where relative sources start: the working directory of the build. */
  readonly folder: string;
  /** Where relative sources are looked for that aren't there: the folder of the definition. */
  readonly fallbackFolder?: string | undefined;
  /** Values of `$NAME` in sources; `$PWD` is always `folder`. Without it no variable has a value. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Modification time of what is copied. */
  readonly timeSeconds: number;
  /** What the modes of new files lose: 0002 if not given, as Apptainer has it. */
  readonly umask?: number | undefined;
  /** How the definition's text became bytes; UTF-8 if not given. */
  readonly encoding?: TextEncoding | undefined;
}

/**
 * `%files` from this machine, as Apptainer 1.4 does it: sources are expanded like words of a shell (but no command is
 * run), destinations are taken literally inside the tree, and each pair is a `cp -fLr`. Everything copied belongs to
 * root, whoever builds. Several sources can go to one file: the last wins.
 *
 * Beyond Apptainer, a relative source that isn't in the working directory is taken from the definition's own folder; a
 * note says so.
 * @returns notes for the user
 * @throws {ScriptError} `files/missing`, `files/expand`, `files/unreadable`, `files/loop`, `files/target`, with the
 *   line's place in the definition
 */
export async function copyFromHost(
  tree: FileTree,
  lines: readonly CopyLine[],
  options: HostCopyOptions,
): Promise<{ readonly notes: readonly string[] }> {
  const { timeSeconds, umask = 0o002, encoding } = options;
  const copier = new HostCopier(tree, { timeSeconds, umask });
  const notes: string[] = [];
  const toBytes = (text: string) => Buffer.from(text, encoding ?? "utf8").toString("latin1");
  for (const line of lines) {
    const { folder, sources, note } = findSources(toBytes(line.source), line, options);
    if (note !== undefined) notes.push(note);
    for (const source of sources) {
      const path = source.startsWith("/") ? source : `${folder}/${source}`;
      if (!isThere(path)) throw missing(source, folder, line);
      // A line without a destination has the source there as well; then each of its files goes to its own path.
      const to = line.destination === line.source ? source : toBytes(line.destination);
      const destination = openDestination(tree, to, line, timeSeconds);
      await copier.copy(path, targetOf(source, destination), line);
    }
  }
  return { notes };
}

/** `cp` into a directory keeps the name; `x/.` and `x/..` have none, so that what is in them is copied. */
function targetOf(
  source: ByteString,
  { path, isDirectory }: { readonly path: ByteString; readonly isDirectory: boolean },
): ByteString {
  const name = lastName(source);
  return !isDirectory || ["", ".", ".."].includes(name) ? path : joined(path, name);
}

function findSources(
  word: ByteString,
  line: CopyLine,
  options: HostCopyOptions,
): { folder: ByteString; sources: ByteString[]; note?: string | undefined } {
  const variable = (name: string) => {
    if (name === "PWD") return toByteString(options.folder);
    const value =
      options.environment?.[name] ??
      (name === "HOME" && word.startsWith("~") ? homedir() : undefined);
    return value === undefined ? undefined : toByteString(value);
  };
  try {
    const patterns = expandWord(word, variable);
    if (patterns.length === 0) throw new ExpandError("it comes to nothing", emptyHint);
    const expand = (folder: ByteString) => {
      const place = hostPlace(folder);
      return patterns.flatMap((pattern) => glob(pattern, place));
    };
    const folder = toByteString(options.folder);
    const sources = expand(folder);
    const fallback = options.fallbackFolder;
    const isAway = (source: ByteString) =>
      !source.startsWith("/") && !isThere(`${folder}/${source}`);
    if (fallback === undefined || fallback === options.folder || !sources.every(isAway)) {
      return { folder, sources };
    }
    const other = toByteString(fallback);
    const found = expand(other);
    if (!found.every((source) => isThere(`${other}/${source}`))) return { folder, sources };
    const note = `%files: ${line.source} is not in ${options.folder}; taken from ${fallback}, the definition's folder`;
    return { folder: other, sources: found, note };
  } catch (error) {
    throw expandError(error, line);
  }
}

const emptyHint = "is the variable set where the build was started?";

const isThere = (path: ByteString) => existsSync(bytesOf(path));

/** A folder of this machine, as wildcards see it: symlinks are followed. */
function hostPlace(folder: ByteString): GlobPlace {
  const full = (path: ByteString) => bytesOf(path.startsWith("/") ? path : `${folder}/${path}`);
  return {
    names: (path) => {
      try {
        return readdirSync(full(path), "latin1");
      } catch {
        return undefined;
      }
    },
    // A shell names dangling symlinks too.
    exists: (path) => lstatSync(full(path), { throwIfNoEntry: false }) !== undefined,
  };
}

function missing(source: ByteString, folder: ByteString, line: CopyLine): unknown {
  const path = source.startsWith("/") ? source : `${folder}/${source}`;
  try {
    statSync(bytesOf(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return unreadable(path, line, error);
  }
  const cut = path.lastIndexOf("/");
  const parent = path.slice(0, cut) || "/";
  const names = hostPlace("/").names(parent);
  const isDangling = names?.includes(path.slice(cut + 1)) === true;
  const similar = similarNames(path.slice(cut + 1), names ?? []);
  return copyError(
    "missing",
    line,
    `can't copy ${displayName(source)}: ${isDangling ? "it is a symlink that leads nowhere" : "there is no such file or folder"}`,
    hintFor(source, folder, similar),
  );
}

function hintFor(source: ByteString, folder: ByteString, similar: readonly string[]): string {
  if (similar.length > 0) return `did you mean ${similar.map(displayName).join(" or ")}?`;
  if (source.endsWith("\\")) {
    return 'a backslash does not join words: put a name with blanks between double quotes, "my file"';
  }
  return source.startsWith("/")
    ? "the path is one of this machine, not of the image"
    : `relative names start at ${displayName(folder)}, the folder in which the build was started`;
}

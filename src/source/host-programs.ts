import { statSync } from "node:fs";
import { elfArchitecture } from "../elf/elf-architecture.ts";
import { isElf } from "../elf/elf-file.ts";
import { LibrarySearch } from "../elf/library-search.ts";
import { bytesOf, displayName, type ByteString } from "../model/bytes-path.ts";
import { FormatError, SourceError } from "../model/error.ts";
import type { FileTree } from "../tree/file-tree.ts";
import { HostCopier } from "./host-copier.ts";
import { HostMachine, namesIn } from "./host-machine.ts";

/** Where programs of the system are, also for users whose PATH lacks some of them. */
const systemFolders = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
];

/** As much of a first line as the kernel reads (execve(2)). */
const maxShebangBytes = 256;

export interface HostProgramsOptions {
  /** Folders of `PATH`, in order. */
  readonly searchFolders: readonly ByteString[];
  readonly timeSeconds: number;
  /** What is found but can't be used in full. */
  readonly onWarning: (code: string, message: string) => void;
}

/** Puts programs of this machine into a tree, each with all that it needs to start. */
export class HostPrograms {
  readonly #machine = new HostMachine();
  readonly #search = new LibrarySearch(this.#machine);
  readonly #copier: HostCopier;
  readonly #options: HostProgramsOptions;
  readonly #done = new Set<ByteString>();

  constructor(tree: FileTree, options: HostProgramsOptions) {
    this.#copier = new HostCopier(tree, options.timeSeconds);
    this.#options = options;
  }

  /**
   * Adds a program by its name, a library by its name (`libnss_dns.so.2`), or a file or folder by its absolute path.
   * @throws {SourceError} `source/host-program` for what isn't there, `source/host-library` for a library that a program
   *   needs and that isn't
   * @throws {HostError} `host/file-unreadable`
   * @throws {FormatError} `elf/damaged`
   */
  add(wanted: ByteString): void {
    if (wanted.startsWith("/")) {
      this.#addPath(wanted, wanted);
      return;
    }
    const program = wanted.includes("/") ? undefined : this.#which(wanted);
    if (program !== undefined) {
      this.#addPath(program, wanted);
      return;
    }
    const libraries = /\.so(?:\.|$)/.test(wanted) ? this.#library(wanted) : [];
    if (libraries.length === 0) throw noProgram(wanted);
    for (const library of libraries) this.#addPath(library, wanted);
  }

  /** The architecture of a program on PATH, in Go's words. */
  architectureOf(name: ByteString): string | undefined {
    const program = this.#which(name);
    return program === undefined ? undefined : elfArchitecture(this.#machine.start(program, 64));
  }

  /** Adds what the loader in the image needs to search like the one here. To be called last. */
  addSearchFiles(): void {
    const files = new Set(this.#machine.consulted);
    if (files.has("/etc/ld.so.cache")) {
      // What a later ldconfig in the image makes its own cache from.
      files.add("/etc/ld.so.conf");
      for (const name of this.#machine.list("/etc/ld.so.conf.d")) {
        if (name.endsWith(".conf")) files.add(`/etc/ld.so.conf.d/${name}`);
      }
    }
    for (const file of files) this.#copier.add(file);
  }

  #which(name: ByteString): ByteString | undefined {
    for (const folder of [...this.#options.searchFolders, ...systemFolders]) {
      if (!folder.startsWith("/")) continue;
      const path = `${folder.replace(/\/+$/, "")}/${name}`;
      if (isProgram(path)) return path;
    }
    return undefined;
  }

  #library(name: ByteString): readonly ByteString[] {
    const shell = this.#which("sh");
    const elf = shell === undefined ? undefined : this.#machine.elf(shell);
    return elf === undefined ? [] : this.#search.findByName(name, elf);
  }

  #addPath(path: ByteString, wanted: ByteString): void {
    const entry = this.#copier.add(path);
    if (entry.type === "file") this.#addNeeds(path, entry.path, false);
    else if (entry.type === "directory") this.#addFolder(entry.path);
    else throw noProgram(wanted);
  }

  #addFolder(folder: ByteString): void {
    // What is mounted below (/proc, other disks) was not asked for.
    const device = deviceOf(folder);
    const stack = [folder];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (this.#done.has(at) || deviceOf(at) !== device) continue;
      this.#done.add(at);
      for (const name of namesIn(at)) {
        const path = at === "/" ? `/${name}` : `${at}/${name}`;
        const entry = this.#copier.add(path);
        if (entry.type === "file") this.#addNeeds(path, entry.path, true);
        // A symlink to a folder elsewhere brings only its own text and an empty folder.
        else if (entry.type === "directory" && entry.path === path) stack.push(path);
      }
    }
  }

  /** @param isPart of a folder, where files may be broken or meant for other machines */
  #addNeeds(path: ByteString, realPath: ByteString, isPart: boolean): void {
    if (this.#done.has(realPath)) return;
    this.#done.add(realPath);
    const start = this.#machine.start(path, maxShebangBytes);
    try {
      if (isElf(start)) this.#addLibraries(path);
      else if (start[0] === 0x23 && start[1] === 0x21) this.#addInterpreter(start, path);
    } catch (error) {
      if (!isPart || !(error instanceof SourceError || error instanceof FormatError)) throw error;
      this.#options.onWarning(error.code, error.message);
    }
  }

  #addLibraries(path: ByteString): void {
    const elf = this.#machine.elf(path);
    if (elf === undefined) return;
    const { libraries, missing } = this.#search.librariesOf(path, elf);
    for (const library of libraries) this.#copier.add(library);
    const [first] = missing;
    if (first === undefined) return;
    throw new SourceError(
      "source/host-library",
      `${displayName(first.name)}, which ${displayName(first.neededBy)} needs, is not where its loader looks for it`,
      {
        hint: "if the program works here only with LD_LIBRARY_PATH set, add the library's folder to /etc/ld.so.conf and run ldconfig",
      },
    );
  }

  #addInterpreter(start: Uint8Array, script: ByteString): void {
    const line = Buffer.from(start).toString("latin1").split("\n", 1)[0] ?? "";
    const [, interpreter = "", rest = ""] = /^#![ \t]*(\S+)[ \t]*(.*?)[ \t\r]*$/.exec(line) ?? [];
    if (!interpreter.startsWith("/")) return;
    const forScript = (wanted: ByteString, act: () => void) => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof SourceError) || error.code !== "source/host-program") throw error;
        throw new SourceError(
          error.code,
          `there is no ${displayName(wanted)} on this machine, which the script ${displayName(script)} asks for`,
          { hint: error.hint },
        );
      }
    };
    forScript(interpreter, () => this.#addPath(interpreter, interpreter));
    const program = interpreter.endsWith("/env") ? programOfEnv(rest) : undefined;
    if (program !== undefined) forScript(program, () => this.add(program));
  }
}

/** A folder of PATH may be closed to us, root's under sudo for one: then, as in a shell, nothing is found there. */
function isProgram(path: ByteString): boolean {
  try {
    const stats = statSync(bytesOf(path));
    return stats.isFile() && (stats.mode & 0o111) !== 0;
  } catch {
    return false;
  }
}

function deviceOf(folder: ByteString): number | undefined {
  return statSync(bytesOf(folder), { throwIfNoEntry: false })?.dev;
}

/** What `env` is told to run: the first word that is neither an option nor an assignment. */
function programOfEnv(argument: ByteString): ByteString | undefined {
  return argument.split(/[ \t]+/).find((word) => word !== "" && !/^-|=/.test(word));
}

function noProgram(wanted: ByteString): SourceError {
  const name = displayName(wanted);
  const isRelative = wanted.includes("/") && !wanted.startsWith("/");
  return new SourceError("source/host-program", `there is no ${name} on this machine`, {
    hint: isRelative
      ? "name a program on PATH, or a file by its absolute path"
      : "check the name with `command -v`, or install it",
  });
}

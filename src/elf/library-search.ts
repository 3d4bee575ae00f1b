// Which libraries a program will load, by the rules of the loaders of glibc (ld.so(8)) and musl. Environment variables
// (LD_LIBRARY_PATH, LD_PRELOAD) are left out on purpose: inside an image they will not be set.

import type { ByteString } from "../model/bytes-path.ts";
import type { ElfFile } from "./elf-file.ts";
import { readLoaderCache, type LoaderCache } from "./loader-cache.ts";
import { defaultFolders, libraryFolderNames, platformNames } from "./system-folders.ts";

/** The machine that is searched. Paths are absolute. */
export interface LibraryHost {
  /** The ELF file at a path, symlinks followed; undefined for anything else. */
  elf(path: ByteString): ElfFile | undefined;
  /** The path with all symlinks followed. */
  realPath(path: ByteString): ByteString;
  /** A file's bytes, or undefined where there is none. */
  read(path: ByteString): Uint8Array | undefined;
  /** Names in a folder; none where there is no folder. */
  list(folder: ByteString): readonly ByteString[];
}

export interface FoundLibraries {
  /** As the loader will ask for them, in the order of loading; the loader itself is the first. */
  readonly libraries: readonly ByteString[];
  readonly missing: readonly { readonly name: ByteString; readonly neededBy: ByteString }[];
}

/** Something loaded: the program or a library. */
interface Loaded {
  readonly path: ByteString;
  readonly elf: ElfFile;
  /** What `$ORIGIN` stands for. */
  readonly origin: ByteString;
  /** What made the loader load it. */
  readonly loader: Loaded | undefined;
}

export class LibrarySearch {
  readonly #host: LibraryHost;
  #cache: LoaderCache | undefined;
  readonly #variants = new Map<ByteString, readonly ByteString[]>();

  constructor(host: LibraryHost) {
    this.#host = host;
  }

  /**
   * All that a program or library needs, directly or not, breadth first like the loader. Besides the library that the
   * search finds, its builds for better processors (`glibc-hwcaps`) are found too, as the image may run on one.
   * What programs load later by name (`dlopen`: NSS, plugins, locales) can't be known.
   */
  librariesOf(path: ByteString, elf: ElfFile): FoundLibraries {
    const libraries = new Set<ByteString>();
    const missing: { name: ByteString; neededBy: ByteString }[] = [];
    const loaded = new Set<ByteString>();
    const main: Loaded = {
      path,
      elf,
      origin: folderOf(this.#host.realPath(path)),
      loader: undefined,
    };
    if (elf.interpreter !== undefined) {
      const { interpreter } = elf;
      libraries.add(interpreter);
      const loader = this.#host.elf(interpreter);
      if (loader === undefined) missing.push({ name: interpreter, neededBy: path });
      if (loader?.soname !== undefined) loaded.add(loader.soname);
    }
    const queue: Loaded[] = [main];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      for (const name of next.elf.needed) {
        // A library is known by the name that it was asked for and by its own.
        if (loaded.has(name) || isMuslItself(main.elf, name)) continue;
        loaded.add(name);
        const found = this.#find(name, next, main);
        const [first] = found;
        if (first === undefined) {
          missing.push({ name, neededBy: next.path });
          continue;
        }
        for (const file of found) libraries.add(file.path);
        if (first.elf.soname !== undefined) loaded.add(first.elf.soname);
        queue.push(first);
      }
    }
    return { libraries: [...libraries], missing };
  }

  /** The library that a program for the same machine would load by a name, and its builds for better processors. */
  findByName(name: ByteString, like: ElfFile): readonly ByteString[] {
    const elf = { ...like, rpath: undefined, runpath: undefined };
    const main: Loaded = { path: "", elf, origin: "/", loader: undefined };
    return this.#find(name, main, main).map(({ path }) => path);
  }

  #find(name: ByteString, by: Loaded, main: Loaded): Loaded[] {
    if (name.includes("/")) {
      const direct = this.#expand(name, by).flatMap((path) => this.#load(path, by, main));
      return direct.slice(0, 1);
    }
    const isMusl = isMuslProgram(main.elf);
    for (const folder of this.#ownFolders(by, isMusl)) {
      const found = this.#inFolder(folder, name, by, main);
      if (found.length > 0) return found;
    }
    if (isMusl) {
      for (const folder of this.#muslFolders(main.elf)) {
        const found = this.#load(`${folder}/${name}`, by, main);
        if (found.length > 0) return found;
      }
      return [];
    }
    if (!by.elf.noDefaultFolders) {
      this.#cache ??= readLoaderCache(this.#host.read("/etc/ld.so.cache") ?? new Uint8Array());
      const cached = (this.#cache.get(name) ?? []).flatMap((path) => this.#load(path, by, main));
      if (cached.length > 0) return cached;
      for (const folder of this.#glibcFolders(main.elf)) {
        const found = this.#inFolder(folder, name, by, main);
        if (found.length > 0) return found;
      }
    }
    return [];
  }

  /** The folders that the files themselves name. */
  *#ownFolders(by: Loaded, isMusl: boolean): Generator<ByteString> {
    if (isMusl) {
      // musl makes no difference between the two and asks all that led here.
      for (let at: Loaded | undefined = by; at !== undefined; at = at.loader) {
        yield* this.#folders(at.elf.runpath ?? at.elf.rpath, at);
      }
      return;
    }
    if (by.elf.runpath === undefined) {
      // All that led here, the program at last.
      for (let at: Loaded | undefined = by; at !== undefined; at = at.loader) {
        if (at.elf.runpath === undefined) yield* this.#folders(at.elf.rpath, at);
      }
    } else yield* this.#folders(by.elf.runpath, by);
  }

  *#folders(list: ByteString | undefined, of: Loaded): Generator<ByteString> {
    for (const part of list?.split(":") ?? []) {
      // Empty and relative ones mean the working directory, which an image can't know.
      for (const folder of this.#expand(part, of)) if (folder.startsWith("/")) yield folder;
    }
  }

  /** All that `$ORIGIN`, `$LIB` and `$PLATFORM` can stand for. */
  #expand(text: ByteString, { origin, elf }: Loaded): ByteString[] {
    if (!text.includes("$")) return [text];
    let texts = [text.replaceAll(/\$(?:ORIGIN\b|\{ORIGIN\})/g, () => origin)];
    for (const [token, values] of [
      [/\$(?:LIB\b|\{LIB\})/g, libraryFolderNames(elf)],
      [/\$(?:PLATFORM\b|\{PLATFORM\})/g, platformNames(elf)],
    ] as const) {
      if (texts.some((some) => some.search(token) !== -1)) {
        texts = values.flatMap((value) => texts.map((some) => some.replaceAll(token, () => value)));
      }
    }
    return texts;
  }

  #inFolder(folder: ByteString, name: ByteString, by: Loaded, main: Loaded): Loaded[] {
    const clean = folder.replace(/\/+$/, "");
    let variants = this.#variants.get(clean);
    if (variants === undefined) {
      const capabilities = `${clean}/glibc-hwcaps`;
      variants = this.#host.list(capabilities).map((level) => `${capabilities}/${level}`);
      this.#variants.set(clean, variants);
    }
    const plain = this.#load(`${clean}/${name}`, by, main);
    const better = variants.flatMap((variant) => this.#load(`${variant}/${name}`, by, main));
    // The plain one first: it is what every processor can load.
    return [...plain, ...better];
  }

  #muslFolders(elf: ElfFile): ByteString[] {
    const machine = /ld-musl-(.+)\.so\.1$/.exec(elf.interpreter ?? "")?.[1] ?? "";
    const own = this.#host.read(`/etc/ld-musl-${machine}.path`);
    if (own === undefined) return ["/lib", "/usr/local/lib", "/usr/lib"];
    const text = Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString("latin1");
    return text.split(/[\n:]/).filter((folder) => folder.startsWith("/"));
  }

  #glibcFolders(elf: ElfFile): ByteString[] {
    // A glibc outside of the usual places searches its own.
    const own =
      elf.interpreter === undefined ? [] : [folderOf(this.#host.realPath(elf.interpreter))];
    return [...defaultFolders(elf), ...own];
  }

  /** The file as a library, if it is one for the same machine. */
  #load(path: ByteString, by: Loaded, main: Loaded): Loaded[] {
    if (!path.startsWith("/")) return [];
    const elf = this.#host.elf(path);
    const fits =
      elf !== undefined &&
      elf.machine === main.elf.machine &&
      elf.bits === main.elf.bits &&
      elf.isLittleEndian === main.elf.isLittleEndian;
    return fits ? [{ path, elf, origin: folderOf(path), loader: by }] : [];
  }
}

const isMuslProgram = (elf: ElfFile) => /\/ld-musl-[^/]+$/.test(elf.interpreter ?? "");

/** The names under which musl's loader takes itself, its C library (ldso/dynlink.c, `load_library`). */
function isMuslItself(elf: ElfFile, name: ByteString): boolean {
  return isMuslProgram(elf) && /^lib(?:c|pthread|rt|m|dl|util|xnet)\./.test(name);
}

function folderOf(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

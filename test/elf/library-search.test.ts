import test from "ava";
import type { ElfFile } from "../../src/elf/elf-file.ts";
import { LibrarySearch, type LibraryHost } from "../../src/elf/library-search.ts";

const glibc = "/lib64/ld-linux-x86-64.so.2";
const musl = "/lib/ld-musl-x86_64.so.1";

function elf(given: Partial<ElfFile> = {}): ElfFile {
  return {
    bits: 64,
    isLittleEndian: true,
    machine: 62,
    interpreter: undefined,
    needed: [],
    soname: undefined,
    rpath: undefined,
    runpath: undefined,
    noDefaultFolders: false,
    ...given,
  };
}

interface Machine {
  readonly files: Readonly<Record<string, ElfFile>>;
  readonly texts?: Readonly<Record<string, Uint8Array>>;
  readonly links?: Readonly<Record<string, string>>;
}

function hostOf({ files, texts = {}, links = {} }: Machine): LibraryHost {
  return {
    elf: (path) => files[path],
    realPath: (path) => links[path] ?? path,
    read: (path) => texts[path],
    list: (folder) => [
      ...new Set(
        Object.keys(files)
          .filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split("/")[0] ?? ""),
      ),
    ],
  };
}

/** What `/opt/app/bin/prog` loads, the loader left out. */
function librariesOf(program: Partial<ElfFile>, machine: Machine) {
  const { interpreter = glibc } = program;
  const main = elf({ interpreter, ...program });
  const files = { [interpreter]: elf({ soname: interpreter.split("/").at(-1) }), ...machine.files };
  const search = new LibrarySearch(hostOf({ ...machine, files }));
  const { libraries, missing } = search.librariesOf("/opt/app/bin/prog", main);
  return { libraries: libraries.slice(1), missing, loader: libraries[0] };
}

/** A cache as ldconfig writes it. */
function cacheOf(entries: readonly (readonly [string, string])[], withOld = false): Buffer {
  let texts = "";
  const head = Buffer.alloc(48);
  head.write("glibc-ld.so.cache1.1", "latin1");
  head.writeUInt32LE(entries.length, 20);
  const table = Buffer.alloc(24 * entries.length);
  const textsAt = head.length + table.length;
  for (const [index, [name, path]] of entries.entries()) {
    table.writeUInt32LE(0x0303, 24 * index);
    table.writeUInt32LE(textsAt + texts.length, 24 * index + 4);
    texts += `${name}\0`;
    table.writeUInt32LE(textsAt + texts.length, 24 * index + 8);
    texts += `${path}\0`;
  }
  const old = Buffer.alloc(withOld ? 32 : 0);
  if (withOld) {
    old.write("ld.so-1.7.0\0", "latin1");
    old.writeUInt32LE(1, 12);
  }
  return Buffer.concat([old, head, table, Buffer.from(texts, "latin1")]);
}

test("the loader comes first and counts as loaded", (t) => {
  const found = librariesOf(
    { needed: ["libc.so.6"] },
    {
      files: {
        "/lib/x86_64-linux-gnu/libc.so.6": elf({ needed: ["ld-linux-x86-64.so.2"] }),
        "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": elf(),
      },
    },
  );
  t.is(found.loader, glibc);
  t.deepEqual(found.libraries, ["/lib/x86_64-linux-gnu/libc.so.6"]);
  t.deepEqual(found.missing, []);
});

test("libraries are loaded breadth first, each once", (t) => {
  const { libraries } = librariesOf(
    { needed: ["a.so", "b.so"] },
    {
      files: {
        "/usr/lib/a.so": elf({ needed: ["c.so", "a.so"] }),
        "/usr/lib/b.so": elf({ needed: ["c.so", "d.so"] }),
        "/usr/lib/c.so": elf({ needed: ["a.so"] }),
        "/usr/lib/d.so": elf(),
      },
    },
  );
  t.deepEqual(libraries, ["/usr/lib/a.so", "/usr/lib/b.so", "/usr/lib/c.so", "/usr/lib/d.so"]);
});

test("RUNPATH is searched for a file's own needs only, RPATH for those of all below it", (t) => {
  const files = { "/own/a.so": elf({ needed: ["b.so"] }), "/own/b.so": elf() };
  const byRpath = librariesOf({ needed: ["a.so"], rpath: "/own" }, { files });
  t.deepEqual(byRpath.libraries, ["/own/a.so", "/own/b.so"]);
  const byRunpath = librariesOf({ needed: ["a.so"], runpath: "/own" }, { files });
  t.deepEqual(byRunpath.libraries, ["/own/a.so"]);
  t.deepEqual(byRunpath.missing, [{ name: "b.so", neededBy: "/own/a.so" }]);
});

test("a library with a RUNPATH asks no RPATH, and its RPATH counts for nothing", (t) => {
  const files = {
    "/own/a.so": elf({ needed: ["b.so"], runpath: "/run", rpath: "/r" }),
    "/own/b.so": elf(),
    "/r/b.so": elf(),
    "/run/b.so": elf(),
  };
  t.deepEqual(librariesOf({ needed: ["a.so"], rpath: "/own" }, { files }).libraries, [
    "/own/a.so",
    "/run/b.so",
  ]);
  const { "/run/b.so": _, ...without } = files;
  t.is(librariesOf({ needed: ["a.so"], rpath: "/own" }, { files: without }).missing.length, 1);
});

test("the RPATH of a program that has a RUNPATH counts for none of its libraries", (t) => {
  const files = { "/run/a.so": elf({ needed: ["b.so"] }), "/r/b.so": elf() };
  const found = librariesOf({ needed: ["a.so"], rpath: "/r", runpath: "/run" }, { files });
  t.deepEqual(found.missing, [{ name: "b.so", neededBy: "/run/a.so" }]);
});

test("the nearest RPATH is asked first", (t) => {
  const files = {
    "/one/a.so": elf({ needed: ["b.so"], rpath: "/two" }),
    "/one/b.so": elf(),
    "/two/b.so": elf(),
  };
  t.deepEqual(librariesOf({ needed: ["a.so"], rpath: "/one" }, { files }).libraries, [
    "/one/a.so",
    "/two/b.so",
  ]);
});

test("a library found for one is found for all: by the name asked for and by its own", (t) => {
  const files = {
    "/own/a.so": elf({ soname: "a.so.1" }),
    "/usr/lib/b.so": elf({ needed: ["a.so", "a.so.1"] }),
  };
  const found = librariesOf({ needed: ["a.so", "b.so"], runpath: "/own" }, { files });
  t.deepEqual(found.libraries, ["/own/a.so", "/usr/lib/b.so"]);
  t.deepEqual(found.missing, []);
});

test("$ORIGIN is where the program really is, and where a library was found", (t) => {
  const machine = {
    links: { "/opt/app/bin/prog": "/srv/real/bin/prog" },
    files: {
      "/srv/real/bin/../lib/a.so": elf({ needed: ["b.so"], runpath: "${ORIGIN}/sub" }),
      "/srv/real/bin/../lib/sub/b.so": elf(),
    },
  };
  t.deepEqual(librariesOf({ needed: ["a.so"], rpath: "$ORIGIN/../lib" }, machine).libraries, [
    "/srv/real/bin/../lib/a.so",
    "/srv/real/bin/../lib/sub/b.so",
  ]);
});

const withRunpath = (path: string, runpath: string) =>
  librariesOf({ needed: ["a.so"], runpath }, { files: { [path]: elf() } }).libraries;

test("$LIB and $PLATFORM stand for the system's names; other words are taken as they are", (t) => {
  t.deepEqual(withRunpath("/o/lib/x86_64-linux-gnu/a.so", "/o/$LIB"), [
    "/o/lib/x86_64-linux-gnu/a.so",
  ]);
  t.deepEqual(withRunpath("/o/lib64/a.so", "/o/${LIB}"), ["/o/lib64/a.so"]);
  t.deepEqual(withRunpath("/o/x86_64/a.so", "/o/$PLATFORM"), ["/o/x86_64/a.so"]);
  t.deepEqual(withRunpath("/o/$LIBX/a.so", "/o/$LIBX"), ["/o/$LIBX/a.so"]);
  t.deepEqual(withRunpath("/o/a.so", ":relative::/o/"), ["/o/a.so"]);
});

test("the cache comes before the system's folders, its order counts", (t) => {
  const entries = [
    ["a.so", "/gone/a.so"],
    ["a.so", "/x32/a.so"],
    ["a.so", "/second/a.so"],
    ["b.so", "relative/b.so"],
  ] as const;
  const files = {
    "/x32/a.so": elf({ bits: 32 }),
    "/second/a.so": elf(),
    "/usr/lib/a.so": elf(),
    "/usr/lib/b.so": elf(),
  };
  for (const cache of [cacheOf(entries), cacheOf(entries, true)]) {
    const texts = { "/etc/ld.so.cache": cache };
    t.deepEqual(librariesOf({ needed: ["a.so", "b.so"] }, { files, texts }).libraries, [
      "/second/a.so",
      "/usr/lib/b.so",
    ]);
  }
});

test("a damaged cache is as good as none", (t) => {
  const cache = cacheOf([["a.so", "/cached/a.so"]]);
  const files = { "/cached/a.so": elf(), "/usr/lib/a.so": elf() };
  for (let length = 0; length < cache.length; length++) {
    const texts = { "/etc/ld.so.cache": cache.subarray(0, length) };
    const { libraries } = librariesOf({ needed: ["a.so"] }, { files, texts });
    t.deepEqual(libraries, ["/usr/lib/a.so"], `cut at ${length}`);
  }
  const lying = Buffer.from(cache);
  lying.writeUInt32LE(0xffffffff, 20);
  lying.writeUInt32LE(0xfffffff0, 48 + 8);
  const texts = { "/etc/ld.so.cache": lying };
  t.deepEqual(librariesOf({ needed: ["a.so"] }, { files, texts }).libraries, ["/usr/lib/a.so"]);
});

test("files for other machines are passed over", (t) => {
  const files = {
    "/lib/x86_64-linux-gnu/a.so": elf({ machine: 183 }),
    "/lib64/a.so": elf({ bits: 32 }),
    "/lib/a.so": elf({ isLittleEndian: false }),
    "/usr/lib/a.so": elf(),
  };
  t.deepEqual(librariesOf({ needed: ["a.so"] }, { files }).libraries, ["/usr/lib/a.so"]);
});

test("builds for better processors come along", (t) => {
  const files = {
    "/own/a.so": elf(),
    "/own/glibc-hwcaps/x86-64-v2/other.so": elf(),
    "/own/glibc-hwcaps/x86-64-v3/a.so": elf(),
  };
  t.deepEqual(librariesOf({ needed: ["a.so"], runpath: "/own" }, { files }).libraries, [
    "/own/a.so",
    "/own/glibc-hwcaps/x86-64-v3/a.so",
  ]);
});

test("a program can keep the system's folders out", (t) => {
  const files = { "/own/a.so": elf(), "/usr/lib/b.so": elf() };
  const found = librariesOf(
    { needed: ["a.so", "b.so"], runpath: "/own", noDefaultFolders: true },
    { files },
  );
  t.deepEqual(found.libraries, ["/own/a.so"]);
  t.deepEqual(found.missing, [{ name: "b.so", neededBy: "/opt/app/bin/prog" }]);
});

test("a name with a slash is a path", (t) => {
  const files = { "/x/a.so": elf(), "/opt/app/bin/b.so": elf(), "c/d.so": elf() };
  const found = librariesOf({ needed: ["/x/a.so", "$ORIGIN/b.so", "c/d.so"] }, { files });
  t.deepEqual(found.libraries, ["/x/a.so", "/opt/app/bin/b.so"]);
  t.deepEqual(
    found.missing.map(({ name }) => name),
    ["c/d.so"],
  );
});

test("a loader outside of the usual places searches its own folder", (t) => {
  const interpreter = "/nix/store/g/lib/ld-linux-x86-64.so.2";
  const files = { "/nix/store/g/lib/libc.so.6": elf() };
  t.deepEqual(librariesOf({ interpreter, needed: ["libc.so.6"] }, { files }).libraries, [
    "/nix/store/g/lib/libc.so.6",
  ]);
});

test("a missing loader is told", (t) => {
  const main = elf({ interpreter: "/lib/ld.so.1" });
  const { missing } = new LibrarySearch(hostOf({ files: {} })).librariesOf("/p", main);
  t.deepEqual(missing, [{ name: "/lib/ld.so.1", neededBy: "/p" }]);
});

test("musl: RUNPATH of all that led here, its own list of folders, and itself as the C library", (t) => {
  const files = {
    "/own/a.so": elf({ needed: ["b.so", "libc.musl-x86_64.so.1", "libpthread.so.0"] }),
    "/own/b.so": elf({ needed: ["d.so"] }),
    "/musl/d.so": elf(),
    "/usr/lib/d.so": elf(),
  };
  const program = { interpreter: musl, needed: ["a.so", "libc.so"], runpath: "/own" };
  const texts = { "/etc/ld-musl-x86_64.path": Buffer.from("/none:/musl\n/usr/lib\n") };
  const listed = librariesOf(program, { files, texts });
  t.deepEqual(listed.libraries, ["/own/a.so", "/own/b.so", "/musl/d.so"]);
  t.deepEqual(listed.missing, []);
  const { libraries } = librariesOf(program, { files });
  t.deepEqual(libraries, ["/own/a.so", "/own/b.so", "/usr/lib/d.so"]);
});

test("a library can be found by its name alone", (t) => {
  const search = new LibrarySearch(hostOf({ files: { "/usr/lib/libnss_dns.so.2": elf() } }));
  t.deepEqual(search.findByName("libnss_dns.so.2", elf()), ["/usr/lib/libnss_dns.so.2"]);
  t.deepEqual(search.findByName("libnss_x.so.2", elf()), []);
});

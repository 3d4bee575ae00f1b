import {
  chmodSync,
  linkSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { platformOf } from "../../src/model/platform.ts";
import { HostPrograms } from "../../src/source/host-programs.ts";
import { hostSource } from "../../src/source/host.ts";
import type { SourceContext } from "../../src/source/source.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { resolvePath } from "../../src/tree/resolve-path.ts";
import { elfFile } from "../helpers/elf.ts";
import { scratch } from "../helpers/scratch.ts";

/** A folder with files by name, and a tree that programs are added to. */
async function setUp(t: ExecutionContext, files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = realpathSync(await scratch(t));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), 0o755);
  }
  const tree = new FileTree();
  const warnings: string[] = [];
  const programs = new HostPrograms(tree, {
    searchFolders: ["relative", "", join(folder, "bin")],
    timeSeconds: 5,
    onWarning: (_, message) => warnings.push(message),
  });
  const inside = folder.slice(1);
  const paths = () =>
    [...tree.walk()]
      .map(({ path }) => path)
      .filter((path) => path.startsWith(`${inside}/`))
      .map((path) => path.slice(inside.length + 1));
  return { folder, inside, tree, programs, warnings, paths };
}

const prog = elfFile({ needed: ["liba.so.1"], rpath: "$ORIGIN/../lib" });

test("a program brings its libraries, and every symlink on the way", async (t) => {
  const { folder, inside, tree, programs, paths } = await setUp(t, {
    "app/bin/prog": prog,
    "app/lib/liba.so.1.2.3": elfFile({ needed: ["libb.so"] }),
    "app/lib/libb.so": elfFile(),
    "app/lib/unused.so": elfFile(),
    "bin/other": elfFile(),
  });
  symlinkSync("liba.so.1.2.3", join(folder, "app/lib/liba.so.1"));
  symlinkSync("../current/bin/prog", join(folder, "bin/prog"));
  symlinkSync(join(folder, "app"), join(folder, "current"));
  programs.add("prog");
  t.deepEqual(paths(), [
    ..."app app/bin app/bin/prog app/lib app/lib/liba.so.1 app/lib/liba.so.1.2.3".split(" "),
    ..."app/lib/libb.so bin bin/prog current".split(" "),
  ]);
  // What the loader will ask for is there, by the same names.
  t.is(resolvePath(tree, `${inside}/bin/prog`).path, `${inside}/app/bin/prog`);
  t.is(resolvePath(tree, `${inside}/app/bin/../lib/liba.so.1`).node?.type, "file");
});

test("a folder of PATH that can't be looked into is passed over", async (t) => {
  const { folder, inside, tree } = await setUp(t, { "bin/prog": elfFile() });
  symlinkSync("loop", join(folder, "loop"));
  const programs = new HostPrograms(tree, {
    searchFolders: [join(folder, "loop"), join(folder, "bin/prog"), join(folder, "bin")],
    timeSeconds: 5,
    onWarning: () => {},
  });
  programs.add("prog");
  t.is(tree.get(`${inside}/bin/prog`)?.type, "file");
});

test("modes and times are kept, owners and set-id bits are not", async (t) => {
  const { folder, inside, tree, programs } = await setUp(t, { "bin/tool": elfFile(), "bin/s": "" });
  const file = join(folder, "bin/tool");
  utimesSync(file, 1000, 1_600_000_000.9);
  chmodSync(file, 0o6711);
  chmodSync(join(folder, "bin"), 0o2750);
  programs.add("tool");
  t.like(tree.get(`${inside}/bin/tool`), {
    type: "file",
    mode: 0o711,
    uid: 0,
    gid: 0,
    mtimeSeconds: 1_600_000_000,
    content: { kind: "host-file", path: Buffer.from(file) },
  });
  t.like(tree.get(`${inside}/bin`), { type: "directory", mode: 0o750, mtimeSeconds: 5 });
});

test("two names of one file stay hard links", async (t) => {
  const { folder, inside, tree, programs } = await setUp(t, { "bin/one": elfFile() });
  linkSync(join(folder, "bin/one"), join(folder, "bin/two"));
  programs.add("one");
  programs.add("two");
  t.is(tree.get(`${inside}/bin/one`), tree.get(`${inside}/bin/two`));
});

test("scripts bring their interpreter, env and what it runs, and theirs", async (t) => {
  const { folder, programs, paths, tree } = await setUp(t, {
    "bin/interp": elfFile(),
    "bin/wrapped": "#!/usr/bin/env -S interp --flag\nx",
    "bin/by-name": "#! /usr/bin/env X=1 wrapped\n",
    "bin/crlf": "",
    "bin/relative": "#!interp\n",
    "bin/no-line": "#!/bin/sh",
  });
  writeFileSync(join(folder, "bin/direct"), `#!\t${folder}/bin/interp  an argument\r\n`);
  chmodSync(join(folder, "bin/direct"), 0o755);
  programs.add("by-name");
  t.deepEqual(paths(), ["bin", "bin/by-name", "bin/interp", "bin/wrapped"]);
  t.is(resolvePath(tree, "usr/bin/env").node?.type, "file");
  programs.add("direct");
  programs.add("relative");
  t.is(resolvePath(tree, "bin/sh").node, undefined);
  programs.add("no-line");
  t.is(resolvePath(tree, "bin/sh").node?.type, "file");
});

test("what is missing is named", async (t) => {
  const { folder, programs } = await setUp(t, {
    "bin/prog": prog,
    "bin/script": "#!/no/such/interpreter\n",
    "bin/env-script": "#!/usr/bin/env no-such-program\n",
    "bin/damaged": elfFile().subarray(0, 100),
    "data/not-executable": "x",
  });
  const refused = (wanted: string, code: string, message: string) =>
    t.throws(() => programs.add(wanted), { code, message });
  const program = "source/host-program";
  refused("no-such", program, "there is no no-such on this machine");
  refused("bin/prog", program, "there is no bin/prog on this machine");
  refused("/no/such/file", program, "there is no /no/such/file on this machine");
  refused("libno-such.so.1", program, "there is no libno-such.so.1 on this machine");
  refused("/dev/null", program, "there is no /dev/null on this machine");
  refused(
    "script",
    program,
    `there is no /no/such/interpreter on this machine, which the script ${folder}/bin/script asks for`,
  );
  refused(
    "env-script",
    program,
    `there is no no-such-program on this machine, which the script ${folder}/bin/env-script asks for`,
  );
  refused(
    "prog",
    "source/host-library",
    `liba.so.1, which ${folder}/bin/prog needs, is not where its loader looks for it`,
  );
  t.throws(() => programs.add("damaged"), { code: "elf/damaged" });
  t.notThrows(() => programs.add(`${folder}/data/not-executable`));
});

test("a folder comes with all that is in it, and what its programs need where that is there", async (t) => {
  const { folder, programs, paths, warnings } = await setUp(t, {
    "lib/app/module.so": elfFile({ needed: ["libdep.so"], rpath: "$ORIGIN/../deps" }),
    "lib/app/broken.so": elfFile({ needed: ["libgone.so"] }),
    "lib/app/cut.so": elfFile().subarray(0, 70),
    "lib/app/sub/data": "x",
    "lib/deps/libdep.so": elfFile(),
    "lib/deps/libother.so": elfFile(),
    "elsewhere/big": "x",
  });
  mkdirSync(join(folder, "lib/app/empty"));
  symlinkSync("../../elsewhere", join(folder, "lib/app/out"));
  symlinkSync(".", join(folder, "lib/app/loop"));
  symlinkSync("missing", join(folder, "lib/app/dangling"));
  programs.add(`${folder}/lib/app`);
  t.deepEqual(paths(), [
    ..."elsewhere lib lib/app lib/app/broken.so lib/app/cut.so lib/app/dangling".split(" "),
    ..."lib/app/empty lib/app/loop lib/app/module.so lib/app/out lib/app/sub".split(" "),
    ..."lib/app/sub/data lib/deps lib/deps/libdep.so".split(" "),
  ]);
  t.is(warnings.length, 2);
  t.true(warnings.some((message) => message.includes("libgone.so")));
});

test("symlink loops of the host are told", async (t) => {
  const { folder, programs } = await setUp(t, { "bin/x": "" });
  symlinkSync("b", join(folder, "a"));
  symlinkSync("a", join(folder, "b"));
  t.throws(() => programs.add(`${folder}/a`), { code: "host/file-unreadable" });
});

function contextOf(t: ExecutionContext, architecture?: string): SourceContext {
  const platform = platformOf(process.arch);
  return {
    platform: architecture === undefined ? platform : { os: "linux", architecture },
    folder: "/",
    temporaryFolder: "/nowhere",
    cacheFolder: undefined,
    noHttps: false,
    timeSeconds: 77,
    listener: (event) => t.log(event),
    signal: new AbortController().signal,
  };
}

test("the agent always brings sh, and takes blanks, commas and line feeds between words", async (t) => {
  const { kind, tree } = await hostSource.open(
    new Map([["include", "env,ls\n  ,, cat\tsh"]]),
    contextOf(t),
  );
  t.is(kind, "made");
  t.is(tree.root.node.mtimeSeconds, 77);
  for (const path of ["bin/sh", "usr/bin/env", "bin/ls", "bin/cat"]) {
    t.is(resolvePath(tree, path).node?.type, "file", path);
  }
  t.is(resolvePath(tree, "bin/grep").node, undefined);
  const bare = await hostSource.open(new Map(), contextOf(t));
  t.is(resolvePath(bare.tree, "bin/sh").node?.type, "file");
});

test("an image for another machine is refused", async (t) => {
  const open = () => hostSource.open(new Map(), contextOf(t, "sparc64"));
  await t.throwsAsync(open, { code: "source/host-architecture" });
});

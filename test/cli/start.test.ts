import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { execa } from "execa";
import { checkout, tsbuild } from "../helpers/build.ts";
import { scratch } from "../helpers/scratch.ts";

const definition = "Bootstrap: docker\nFrom: debian:12\n%environment\n  export A=1\n";

/** A folder with a definition and an empty cache folder. */
async function folderFor(t: ExecutionContext) {
  const folder = await scratch(t);
  writeFileSync(join(folder, "x.def"), definition);
  const cache = join(folder, "cache");
  const check = (words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
    tsbuild(["check", "x.def", ...words], {
      cwd: folder,
      env: { TSBUILD_CACHEDIR: cache, ...env },
    });
  const kept = async () => readdir(join(cache, "code")).catch(() => undefined);
  return { folder, cache, check, kept };
}

test("the program is built", (t) => {
  t.true(existsSync(join(checkout, "dist/program/main.cjs")), "npm run build");
});

test("checking a definition loads few files, and nothing of Node's that is slow to load", async (t) => {
  const { folder, check } = await folderFor(t);
  const hook = join(folder, "hook.cjs");
  writeFileSync(
    hook,
    `const before = new Set(process.moduleLoadList);
     process.on("exit", () => {
       const own = process.moduleLoadList.filter((name) => !before.has(name));
       require("fs").writeFileSync(__dirname + "/loaded.json", JSON.stringify({ own, files: Object.keys(require.cache) }));
     });`,
  );
  const { exitCode } = await check([], { NODE_OPTIONS: `--require ${hook}` });
  t.is(exitCode, 0);
  const { own, files } = JSON.parse(readFileSync(join(folder, "loaded.json"), "utf8")) as {
    own: string[];
    files: string[];
  };
  t.deepEqual(files.map((file) => basename(file)).toSorted(), [
    "hook.cjs",
    "main.cjs",
    "rolldown-runtime.cjs",
    "start.cjs",
    "tsbuild.cjs",
  ]);
  const slow =
    /child_process|worker|fs\/promises|http|crypto|zlib|sqlite|esm|webstreams|stream\/consumers/;
  t.deepEqual(
    own.filter((name) => slow.test(name)),
    [],
  );
});

test("compiled code is kept where only the user can write, and used again", async (t) => {
  const { check, kept } = await folderFor(t);
  t.is((await check()).exitCode, 0);
  t.is((await kept())?.length, 1);
  const again = await check([], { NODE_DEBUG_NATIVE: "COMPILE_CACHE" });
  t.regex(again.stdout + again.stderr, /start\.cjs was accepted/);
});

test("no compiled code is kept with --disable-cache", async (t) => {
  const { folder, cache, kept } = await folderFor(t);
  await tsbuild(["build", "--disable-cache", "nothing.def"], {
    cwd: folder,
    env: { TSBUILD_CACHEDIR: cache },
  });
  t.is(await kept(), undefined);
});

test("compiled code that others could have written is not used", async (t) => {
  const { cache, check, kept } = await folderFor(t);
  mkdirSync(join(cache, "code"), { recursive: true });
  chmodSync(cache, 0o777);
  t.is((await check()).exitCode, 0);
  t.deepEqual(await kept(), []);
  chmodSync(cache, 0o755);
  chmodSync(join(cache, "code"), 0o775);
  t.is((await check()).exitCode, 0);
  t.deepEqual(await kept(), []);
});

test("a cache folder that can't be made is no hindrance", async (t) => {
  const { check } = await folderFor(t);
  for (const cache of ["/dev/null/cache", "/proc/cache"]) {
    const { exitCode, stderr } = await check([], { TSBUILD_CACHEDIR: cache });
    t.is(exitCode, 0, stderr);
    t.is(stderr, "");
  }
});

test("what is written goes into a file, a pipe or nowhere, and whoever reads may stop", async (t) => {
  const { folder } = await folderFor(t);
  const program = `"${process.execPath}" "${join(checkout, "bin/tsbuild.cjs")}"`;
  const shell = (line: string) =>
    execa("bash", ["-o", "pipefail", "-c", line], { cwd: folder, reject: false });
  await shell(`${program} check x.def >out`);
  const said = readFileSync(join(folder, "out"), "utf8");
  t.regex(said, /^1 file: 0 errors/m);
  t.is((await shell(`${program} check x.def | cat`)).stdout, said.trimEnd());
  t.is((await shell(`${program} check x.def >/dev/null`)).exitCode, 0);
  t.is((await shell(`${program} check x.def >&-`)).exitCode, 0);
  t.is((await shell(`${program} build --help | true`)).exitCode, 0);
  const full = await shell(`${program} check x.def >/dev/full`);
  t.is(full.exitCode, 6);
  t.regex(full.stderr, /can't write to standard output: .*no space.*\n.*\n.*host\/output/s);
  t.notRegex(full.stderr, /mistake in tsbuild/);
});

test("the package has in it all that it needs", async (t) => {
  const folder = await scratch(t);
  const packed = await execa(
    "npm",
    ["pack", "--ignore-scripts", "--json", "--pack-destination", folder],
    { cwd: checkout },
  );
  const [{ filename } = { filename: "" }] = JSON.parse(packed.stdout) as { filename: string }[];
  await execa("tar", ["-C", folder, "-xf", join(folder, filename)]);
  const root = join(folder, "package");
  await symlink(join(checkout, "node_modules"), join(folder, "node_modules"));
  t.false(existsSync(join(root, "src")));
  writeFileSync(join(folder, "big"), Buffer.alloc(4 << 20, "line of text\n"));
  writeFileSync(join(folder, "x.def"), "Bootstrap: scratch\n%files\nbig /big\n");
  const env = { TSBUILD_CACHEDIR: join(folder, "cache") };
  const program = (words: readonly string[]) =>
    execa(process.execPath, [join(root, "bin/tsbuild.cjs"), ...words], { cwd: folder, env });
  // Threads compress it and threads read it back.
  await program(["build", "--jobs", "2", "x.sif", "x.def"]);
  t.is((await program(["cat", "x.sif", "/big"])).stdout.length, 4 << 20);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  t.is((await program(["--version"])).stdout, version);
  const failure = await t.throwsAsync(program(["check", "missing.def"]));
  const page = /docs\/errors\/\S+\.md/.exec(String(failure))?.[0] ?? "none";
  t.true(existsSync(join(root, page)), page);
  t.regex(readFileSync(join(root, "dist/program/LICENSES.txt"), "utf8"), /^chevrotain /m);
  for (const entry of ["tsbuild", "tsbuild/definition", "tsbuild/oci"]) {
    const script = `const names = Object.keys(await import("${entry}")); if (names.length === 0) process.exit(1)`;
    await execa(process.execPath, ["--input-type=module", "-e", script], { cwd: root });
  }
  t.pass();
});

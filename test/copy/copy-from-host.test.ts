import { spawnSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { readNode } from "../../src/contents/read-node.ts";
import { copyAppFiles } from "../../src/copy/copy-app-files.ts";
import { copyFromHost, type HostCopyOptions } from "../../src/copy/copy-from-host.ts";
import { ScriptError } from "../../src/model/error.ts";
import type { App, CopyLine } from "../../src/model/plan.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { treeOf } from "../helpers/literal-tree.ts";

const base = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(base, { recursive: true, force: true }));
const folder = join(base, "work");
const definitionFolder = join(base, "definition");
mkdirSync(join(folder, "d/sub"), { recursive: true });
mkdirSync(definitionFolder);
for (const [name, text] of [
  ["a.txt", "A"],
  ["b.txt", "B"],
  ["d/x", "X"],
  ["d/sub/y", "Y"],
  ["a&b (1)", "odd"],
] as const) {
  writeFileSync(join(folder, name), text);
}
writeFileSync(join(definitionFolder, "beside.txt"), "beside");
linkSync(join(folder, "a.txt"), join(folder, "d/linked-1"));
linkSync(join(folder, "a.txt"), join(folder, "d/linked-2"));
symlinkSync(join(folder, "a.txt"), join(folder, "d/link"));
symlinkSync("nowhere", join(folder, "dangling"));
chmodSync(join(folder, "b.txt"), 0o640);
mkdirSync(join(folder, "looping/in"), { recursive: true });
symlinkSync("..", join(folder, "looping/in/up"));
symlinkSync("d", join(folder, "dlnk"));
mkdirSync(join(folder, "open"), { mode: 0o777 });
chmodSync(join(folder, "open"), 0o1777);

const line = (source: string, destination = source): CopyLine => ({
  source,
  destination,
  location: { file: "d.def", line: 7, column: 1, length: source.length },
});
const options: HostCopyOptions = { folder, timeSeconds: 42 };

async function copied(
  tree: FileTree,
  lines: readonly CopyLine[],
  more: Partial<HostCopyOptions> = {},
): Promise<readonly string[]> {
  const { notes } = await copyFromHost(tree, lines, { ...options, ...more });
  return notes;
}

async function textAt(tree: FileTree, path: string): Promise<string> {
  const node = tree.get(path);
  if (node?.type !== "file") return `(${node?.type ?? "nothing"})`;
  return Buffer.from(await readNode(node)).toString();
}

const paths = (tree: FileTree) => [...tree.walk()].map(({ path }) => path);

async function codeOf(tree: FileTree, one: CopyLine): Promise<ScriptError> {
  try {
    await copied(tree, [one]);
  } catch (error) {
    if (error instanceof ScriptError) return error;
    throw error;
  }
  throw new Error("it was copied");
}

test("what is copied belongs to root, is made now, and loses the right of others to write", async (t) => {
  const tree = new FileTree();
  await copied(tree, [line("b.txt", "/opt/b"), line("open", "/opt/")]);
  t.like(tree.get("opt/b"), { mode: 0o640, uid: 0, gid: 0, mtimeSeconds: 42 });
  t.like(tree.get("opt"), { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 42 });
  t.like(tree.get("opt/open"), { mode: 0o1775 });
});

test("hard links and symlinks of this machine become files of their own", async (t) => {
  const tree = new FileTree();
  await copied(tree, [line("d", "/n")]);
  t.deepEqual(paths(tree), [
    "",
    "n",
    "n/link",
    "n/linked-1",
    "n/linked-2",
    "n/sub",
    "n/sub/y",
    "n/x",
  ]);
  t.not(tree.get("n/linked-1"), tree.get("n/linked-2"));
  t.is(await textAt(tree, "n/link"), "A");
});

test("a symlink of the image is followed inside the image, and only there", async (t) => {
  const tree = treeOf({ out: { link: "/../../../etc" }, abs: { link: "/real" }, "real/": "" });
  await copied(tree, [line("a.txt", "/out/passwd"), line("b.txt", "/abs")]);
  t.is(await textAt(tree, "etc/passwd"), "A");
  t.is(await textAt(tree, "real/b.txt"), "B");
  t.is(tree.get("out")?.type, "symlink");
});

test("an existing file keeps mode and owner, but no capability, under all its names", async (t) => {
  const tree = new FileTree();
  tree.put("bin/tool", {
    type: "file",
    mode: 0o4711,
    uid: 5,
    gid: 6,
    mtimeSeconds: 1,
    sizeBytes: 0,
    content: { kind: "bytes", bytes: new Uint8Array(0) },
    xattrs: new Map([
      ["security.capability", Buffer.from("c")],
      ["user.x", Buffer.from("x")],
    ]),
  });
  tree.link("bin/other", "bin/tool");
  await copied(tree, [line("a.txt", "/bin/tool"), line("b.txt", "/bin/tool")]);
  t.like(tree.get("bin/tool"), { mode: 0o4711, uid: 5, gid: 6, mtimeSeconds: 42 });
  t.deepEqual([...(tree.get("bin/tool")?.xattrs?.keys() ?? [])], ["user.x"]);
  t.is(tree.get("bin/other"), tree.get("bin/tool"));
  t.is(await textAt(tree, "bin/other"), "B");
});

test("a folder is merged into an existing one, which keeps its mode", async (t) => {
  const tree = treeOf({ "n/": { mode: 0o700 }, "n/x": "old", "n/kept": "kept" });
  await copied(tree, [line("d/.", "/n")]);
  t.is(tree.get("n")?.mode, 0o700);
  t.is(await textAt(tree, "n/x"), "X");
  t.is(await textAt(tree, "n/kept"), "kept");
});

test("what is in the way is told", async (t) => {
  const tree = treeOf({
    "t/x/": "",
    file: "f",
    "t/lib": { link: "real" },
    "t/real/": "",
    dang: { link: "no" },
  });
  symlinkSync(join(folder, "d"), join(folder, "d-with-lib"));
  mkdirSync(join(folder, "m/lib"), { recursive: true });
  for (const [one, message] of [
    [line("d", "/file"), /the folder d|can't copy the folder/],
    [line("d/x", "/t/"), /over the directory \/t\/x/],
    [line("m/.", "/t"), /over \/t\/lib, which is a symlink/],
    [line("a.txt", "/file/"), /there is a file of that name/],
    [line("a.txt", "/file/below/x"), /\/file is a file, not a directory/],
  ] as const) {
    const error = await codeOf(tree.clone(), one);
    t.is(error.code, "files/target");
    t.regex(error.message, message);
    t.is(error.location?.line, 7);
  }
  t.regex((await codeOf(tree.clone(), line("m/.", "/t"))).hint ?? "", /\/t\/real\//);
});

test("a link that leads back is an error and not an endless copy", async (t) => {
  t.is((await codeOf(new FileTree(), line("looping", "/n"))).code, "files/loop");
});

test("a name that is nearly right is suggested", async (t) => {
  for (const [wrong, hint] of [
    ["a.tx", "did you mean a.txt?"],
    ["c.txt", "did you mean a.txt or b.txt?"],
    ["d/sbu", "did you mean sub?"],
  ] as const) {
    const error = await codeOf(new FileTree(), line(wrong, "/n"));
    t.is(error.code, "files/missing");
    t.is(error.hint, hint);
  }
});

test("a symlink that leads nowhere is told as such", async (t) => {
  const error = await codeOf(new FileTree(), line("dangling", "/n"));
  t.is(error.code, "files/missing");
  t.regex(error.message, /symlink that leads nowhere/);
});

test("characters that only a shell minds are part of the name", async (t) => {
  const tree = new FileTree();
  await copied(tree, [line("a&b (1)", "/n")]);
  t.is(await textAt(tree, "n"), "odd");
});

test("a source that isn't in the working directory is taken from beside the definition, with a note", async (t) => {
  const tree = new FileTree();
  const more = { fallbackFolder: definitionFolder };
  const notes = await copied(
    tree,
    [line("beside.txt"), line("bes*", "/opt/"), line("a.txt")],
    more,
  );
  t.is(await textAt(tree, "beside.txt"), "beside");
  t.is(await textAt(tree, "opt/beside.txt"), "beside");
  t.is(notes.length, 2);
  t.regex(notes[0] ?? "", /beside\.txt is not in .*work; taken from .*definition/);
  const error = await t.throwsAsync(copied(tree, [line("nowhere-at-all")], more));
  t.is((error as ScriptError).code, "files/missing");
});

test("variables come from the given environment, and PWD is the working directory", async (t) => {
  const tree = new FileTree();
  const environment = { DATA: "d", HOME: folder };
  await copied(
    tree,
    [
      line("$DATA/x", "/1"),
      line("${PWD}/a.txt", "/2"),
      line("~/b.txt", "/3"),
      line("${DATA}/sub/*", "/4/"),
    ],
    { environment },
  );
  for (const [path, text] of [
    ["1", "X"],
    ["2", "A"],
    ["3", "B"],
    ["4/y", "Y"],
  ] as const) {
    t.is(await textAt(tree, path), text);
  }
});

test("without a destination each match goes to its own path", async (t) => {
  const tree = new FileTree();
  await copied(tree, [line("d/s*/y"), line("[ab].txt"), line("../work/d/x")]);
  t.deepEqual(paths(tree), [
    "",
    "a.txt",
    "b.txt",
    "d",
    "d/sub",
    "d/sub/y",
    "work",
    "work/d",
    "work/d/x",
  ]);
});

test("a source that ends in .. brings what is in that folder", async (t) => {
  const tree = treeOf({ "n/": "" });
  await copied(tree, [line("d/sub/..", "/n")]);
  t.is(await textAt(tree, "n/x"), "X");
  t.is(await textAt(tree, "n/sub/y"), "Y");
});

test("a pipe and a socket are made again", async (t) => {
  const { status } = spawnSync("mkfifo", ["-m", "0666", join(folder, "pipe")]);
  t.is(status, 0);
  const tree = new FileTree();
  await copied(tree, [line("pipe", "/p")]);
  t.like(tree.get("p"), { type: "fifo", mode: 0o664 });
  rmSync(join(folder, "pipe"));
});

test("a file that changes between the copy and the reading is an error", async (t) => {
  const changing = join(folder, "changing");
  writeFileSync(changing, "before");
  const tree = new FileTree();
  await copied(tree, [line("changing")]);
  t.is(await textAt(tree, "changing"), "before");
  writeFileSync(changing, "after!");
  await t.throwsAsync(textAt(tree, "changing"), { message: /changing changed while/ });
});

test("a definition that is not UTF-8 names files by its bytes", async (t) => {
  const name = Buffer.from(`${folder}/caf\xe9`, "latin1");
  writeFileSync(name, "latin");
  const tree = new FileTree();
  await copied(tree, [line("caf\xe9", "/\xe9")], { encoding: "latin1" });
  t.is(await textAt(tree, "\xe9"), "latin");
});

const app = (...files: CopyLine[]): App => ({
  name: "foo",
  parts: {},
  installLines: [],
  files,
  location: { file: "d.def", line: 1, column: 1, length: 1 },
});

test("an app's files are copied by their literal names into its folder", async (t) => {
  const tree = treeOf({ "scif/apps/foo/bin/": "" });
  await copyAppFiles(tree, app(line("a.txt"), line("b.txt", "bin"), line("d", "data")), options);
  t.is(await textAt(tree, "scif/apps/foo/a.txt"), "A");
  t.is(await textAt(tree, "scif/apps/foo/bin/b.txt"), "B");
  t.is(await textAt(tree, "scif/apps/foo/data/sub/y"), "Y");
  for (const [one, code] of [
    [line("*.txt"), "files/missing"],
    [line("a.txt", "new/x"), "files/target"],
    [line("a.txt", "new/"), "files/target"],
  ] as const) {
    const error = await t.throwsAsync(copyAppFiles(tree, app(one), options));
    t.is((error as ScriptError).code, code);
  }
});

test("an app's file can't leave the image", async (t) => {
  const tree = treeOf({ "scif/apps/foo/": "" });
  await copyAppFiles(tree, app(line("a.txt", "../../../../../../x")), options);
  t.is(await textAt(tree, "x"), "A");
});

test("what is made in a directory with the set-gid bit gets its group, and directories the bit", async (t) => {
  const tree = new FileTree();
  const at = { uid: 0, gid: 50, mtimeSeconds: 0 };
  tree.put("usr/local", { type: "directory", ...at, mode: 0o2775 });
  await copied(tree, [line("a.txt", "/usr/local/a.txt"), line("d", "/usr/local/made/d")]);
  t.like(tree.get("usr/local/a.txt"), { gid: 50, mode: 0o644 });
  t.like(tree.get("usr/local/made"), { gid: 50, mode: 0o2755 });
  t.like(tree.get("usr/local/made/d"), { gid: 50, mode: 0o2755 });
  t.like(tree.get("usr/local/made/d/sub/y"), { gid: 50, mode: 0o644 });
});

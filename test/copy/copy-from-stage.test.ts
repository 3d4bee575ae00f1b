import test from "ava";
import { copyFromStage } from "../../src/copy/copy-from-stage.ts";
import { ScriptError } from "../../src/model/error.ts";
import type { CopyLine } from "../../src/model/plan.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { textAt, treeOf } from "../helpers/literal-tree.ts";

const line = (source: string, destination = source): CopyLine => ({
  source,
  destination,
  location: { file: "d.def", line: 7, column: 1, length: source.length },
});
const options = { timeSeconds: 42 };

function stage(): FileTree {
  const tree = treeOf({
    "src/a.txt": { text: "A", mode: 0o4755, uid: 12 },
    "src/b.txt": "B",
    "src/d/x": { text: "X", mtimeSeconds: 5 },
    "src/d/sub/": { mode: 0o2711, uid: 3, mtimeSeconds: 9 },
    "src/d/abs": { link: "/src/a.txt" },
    rel: { link: "src" },
    abs: { link: "/src" },
    "src/lnk": { link: "/src/d" },
    "src/dang": { link: "nowhere" },
    "src/.hidden": "H",
  });
  tree.put("src/d", { type: "directory", mode: 0o2775, uid: 12, gid: 34, mtimeSeconds: 7 });
  tree.link("src/d/y", "src/d/x");
  return tree;
}

async function copied(target: FileTree, ...lines: CopyLine[]) {
  return (await copyFromStage(target, stage(), lines, options)).warnings;
}

test("a file keeps owner, mode and time", async (t) => {
  const tree = new FileTree();
  await copied(tree, line("/src/a.txt", "/opt/q"));
  t.like(tree.get("opt/q"), { mode: 0o4755, uid: 12, mtimeSeconds: 1 });
  t.like(tree.get("opt"), { mode: 0o755, uid: 0, mtimeSeconds: 42 });
});

test("of a folder, what is in it keeps its attributes, and itself doesn't", async (t) => {
  const tree = new FileTree();
  await copied(tree, line("/src/d", "/n"));
  t.like(tree.get("n"), { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 42 });
  t.like(tree.get("n/sub"), { mode: 0o2711, uid: 3, mtimeSeconds: 9 });
  t.like(tree.get("n/abs"), { type: "symlink", target: "/src/a.txt" });
  t.is(tree.get("n/x"), tree.get("n/y"));
});

test("two copies are not linked with each other, nor with the stage", async (t) => {
  const tree = new FileTree();
  const source = stage();
  await copyFromStage(tree, source, [line("/src/d/x", "/1"), line("/src/d/x", "/2")], options);
  t.not(tree.get("1"), tree.get("2"));
  t.not(tree.get("1"), source.get("src/d/x"));
});

test("where a folder goes depends on the slashes, as in Apptainer", async (t) => {
  for (const [source, destination, there, from] of [
    ["/src/d", "/n", "", "n/x"],
    ["/src/d", "/n/", "", "n/d/x"],
    ["/src/d", "/n", "n/", "n/d/x"],
    ["/src/d/", "/n", "", "n/x"],
    ["/src/d/", "/n", "n/", "n/x"],
    ["/src/d/.", "/n", "n/", "n/d/x"],
    ["/src/d/.", "/n", "", "n/x"],
    ["/src/lnk", "/n", "n/", "n/lnk/x"],
    ["/src/lnk", "/n", "", "n/x"],
    ["src/d/../d", "/n/", "", "n/d/x"],
    ["/src/{d,lnk}", "/n/", "", "n/lnk/x"],
  ] as const) {
    const tree = treeOf(there === "" ? {} : { [there]: "" });
    await copied(tree, line(source, destination));
    t.is(tree.get(from)?.type, "file", `${source} ${destination} ${there}`);
  }
});

test("wildcards go through relative symlinks, not through absolute ones, and leave dots out", async (t) => {
  const tree = new FileTree();
  await copied(tree, line("/rel/*.txt", "/n/"), line("/src/*b.txt", "/m/"));
  t.deepEqual(
    [...tree.walk()].map(({ path }) => path),
    ["", "m", "m/b.txt", "n", "n/a.txt", "n/b.txt"],
  );
  await t.throwsAsync(copied(tree, line("/abs/*.txt", "/n/")), { instanceOf: ScriptError });
  await copied(tree, line("/abs/a.txt", "/o"));
  t.is(textAt(tree, "o"), "A");
});

test("files in the way are replaced with their links untouched, directories merged", async (t) => {
  const tree = treeOf({
    "n/x": "old",
    "n/abs/below": "gone",
    "n/sub/kept": "kept",
    linked: "linked",
  });
  tree.link("m/a.txt", "linked");
  await copied(tree, line("/src/d/", "/n"), line("/src/a.txt", "/m"));
  t.is(textAt(tree, "n/x"), "X");
  t.is(tree.get("n/abs")?.type, "symlink");
  t.like(tree.get("n/sub"), { mode: 0o2711 });
  t.is(textAt(tree, "n/sub/kept"), "kept");
  t.is(textAt(tree, "linked"), "linked");
});

test("a symlink that is called like the file is replaced; one to a directory takes a folder in", async (t) => {
  const tree = treeOf({
    "t/a.txt": { link: "other" },
    "t/other": "other",
    "t/d": { link: "/real" },
    "real/": "",
  });
  await copied(tree, line("/src/a.txt", "/t"), line("/src/d", "/t"));
  t.is(textAt(tree, "t/other"), "other");
  t.is(textAt(tree, "t/a.txt"), "A");
  t.is(textAt(tree, "real/x"), "X");
});

test("no destination leaves the image", async (t) => {
  const tree = treeOf({ out: { link: "/../../../../etc" } });
  await copied(tree, line("/src/b.txt", "/out/../../passwd"), line("/src/b.txt", "../../x"));
  t.is(textAt(tree, "passwd"), "B");
  t.is(textAt(tree, "x"), "B");
});

test("devices and sockets are left out with a warning, a capability is kept, other attributes are not", async (t) => {
  const owner = { mode: 0o600, uid: 0, gid: 0, mtimeSeconds: 0 };
  const source = new FileTree();
  source.put("d/null", { type: "character-device", ...owner, major: 1, minor: 3 });
  source.put("d/sock", { type: "socket", ...owner });
  source.put("d/pipe", { type: "fifo", ...owner });
  const xattrs = new Map([
    ["security.capability", Buffer.from("c")],
    ["user.x", Buffer.from("x")],
  ]);
  source.put("d/l", { type: "symlink", ...owner, target: "x", xattrs });
  const tree = new FileTree();
  const { warnings } = await copyFromStage(
    tree,
    source,
    [line("/d", "/n"), line("/d/null", "/x")],
    options,
  );
  t.deepEqual(
    warnings.map(({ message }) => message),
    [
      "/d/null is a character-device, which is not copied",
      "/d/sock is a socket, which is not copied",
      "/d/null is a character-device, which is not copied",
    ],
  );
  t.deepEqual(
    [...tree.walk()].map(({ path }) => path),
    ["", "n", "n/l", "n/pipe"],
  );
  t.deepEqual([...(tree.get("n/l")?.xattrs?.keys() ?? [])], ["security.capability"]);
  const error = await t.throwsAsync(copyFromStage(tree, source, [line("/d/pipe", "/p")], options));
  t.is((error as ScriptError).code, "files/fifo");
});

test("what can't be copied is told with the line", async (t) => {
  for (const [one, code, hint] of [
    [line("/src/c.txt", "/n"), "files/missing", /did you mean a\.txt or b\.txt/],
    [line("/src/dang", "/n"), "files/missing", /./],
    [line("/src/a.txt/", "/n"), "files/missing", /./],
    [line("/src/d", "/file"), "files/target", /./],
    [line("`id`", "/n"), "files/expand", /%setup/],
  ] as const) {
    const error = await t.throwsAsync(copied(treeOf({ file: "f" }), one), {
      instanceOf: ScriptError,
    });
    t.is(error?.code, code, one.source);
    t.regex(error?.hint ?? "", hint);
    t.is(error?.location?.line, 7);
  }
});

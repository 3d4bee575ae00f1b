import test from "ava";
import { Directory, FileTree } from "../../src/tree/file-tree.ts";
import { directory, file, link, tree } from "../helpers/tree.ts";

const pathsOf = (made: FileTree) => [...made.walk()].map(({ path }) => path);

test("put makes parents, replaces leaves and keeps a directory's children", (t) => {
  const made = tree({ "a/b/c": "1" });
  made.put("a/b", directory({ mode: 0o700 }));
  t.deepEqual(pathsOf(made), ["", "a", "a/b", "a/b/c"]);
  t.is(made.get("a/b")?.mode, 0o700);
  made.put("a/b", file("2"));
  t.deepEqual(pathsOf(made), ["", "a", "a/b"]);
  made.put("a/b/c/d", file("3"), directory({ uid: 5 }));
  t.deepEqual(pathsOf(made), ["", "a", "a/b", "a/b/c", "a/b/c/d"]);
  t.deepEqual([made.get("a")?.uid, made.get("a/b")?.uid, made.get("a/b/c")?.uid], [0, 5, 5]);
});

test("the root's attributes can be set, and it stays a directory", (t) => {
  const made = new FileTree();
  made.put("/", directory({ mode: 0o1777 }));
  t.is(made.root.node.mode, 0o1777);
  t.throws(() => made.put("", link("x")), { code: "tree/root-not-directory" });
});

test("get and lookup don't follow symlinks", (t) => {
  const made = tree({ "d/x": "1", l: link("d") });
  t.is(made.get("l/x"), undefined);
  t.is(made.get("d/x/y"), undefined);
  t.true(made.lookup("/d/") instanceof Directory);
  t.is(made.get("l")?.type, "symlink");
});

test("remove takes all below and says whether there was something", (t) => {
  const made = tree({ "a/b/c": "1", d: "2" });
  t.true(made.remove("a"));
  t.false(made.remove("a"));
  t.false(made.remove("d/x"));
  t.deepEqual(pathsOf(made), ["", "d"]);
  t.true(made.remove(""));
  t.false(made.remove(""));
  t.deepEqual(pathsOf(made), [""]);
});

test("a link is a second name of the same node", (t) => {
  const made = tree({ a: "1", "d/x": "2" });
  made.link("n/b", "a");
  t.is(made.get("n/b"), made.get("a"));
  t.throws(() => made.link("c", "missing"), { code: "tree/link-target" });
  t.throws(() => made.link("c", "d"), { code: "tree/link-target" });
});

test("the walk goes by the bytes of names, parents first", (t) => {
  const made = tree({ "b/z": "", "b.c": "", "b/a": "", B: "", é: "", "b!": "" });
  made.put("\u00ff", file());
  t.deepEqual(pathsOf(made), ["", "B", "b", "b/a", "b/z", "b!", "b.c", "\u00c3\u00a9", "\u00ff"]);
});

test("a clone changes alone and keeps hard links", (t) => {
  const shared = file("x");
  const made = tree({ "d/a": shared, b: shared });
  const copy = made.clone();
  copy.put("d/new", file());
  copy.put("d", directory({ mode: 0o700 }));
  copy.remove("b");
  t.deepEqual(pathsOf(made), ["", "b", "d", "d/a"]);
  t.is(made.get("d")?.mode, 0o755);
  t.is(copy.get("d/a"), made.get("d/a"));
});

test("paths that lead out are refused everywhere", (t) => {
  const made = tree({});
  for (const act of [
    () => made.get("../x"),
    () => made.put("a/../x", file()),
    () => made.remove(".."),
    () => made.link("x", "../y"),
  ]) {
    t.throws(act, { code: "tree/path-escape" });
  }
});

test("a deep tree is no trouble", (t) => {
  const made = new FileTree();
  const depth = 20_000;
  made.put("d/".repeat(depth), directory());
  t.is(pathsOf(made).length, depth + 1);
  t.is(pathsOf(made.clone()).length, depth + 1);
});

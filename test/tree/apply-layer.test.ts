import test from "ava";
import { FormatError } from "../../src/model/error.ts";
import type { LayerEntry } from "../../src/model/layer-entry.ts";
import { applyLayer } from "../../src/tree/apply-layer.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { listTree } from "../../src/tree/list-tree.ts";
import { layerEntry as e, sourceNamed } from "../helpers/layer.ts";
import { device, directory, file, link, tree } from "../helpers/tree.ts";

const source = sourceNamed("sha256:11");

function apply(to: FileTree, ...entries: readonly LayerEntry[]): FileTree {
  applyLayer(to, entries, source);
  return to;
}

/** The paths of a tree, without the root; symlinks with their target, names of one node after the first with it. */
const paths = (from: FileTree) =>
  [...listTree(from)].slice(1).map((line) => line.split(" ").slice(5).join(" "));

function fails(t: import("ava").ExecutionContext, code: string, ...entries: LayerEntry[]): string {
  const lower = tree({ "etc/passwd": "root", a: link("b"), b: link("a") });
  const error = t.throws(() => apply(lower, ...entries), { instanceOf: FormatError });
  t.is(error.code, code);
  t.true(error.message.startsWith("layer sha256:11: "), error.message);
  return error.message.slice("layer sha256:11: ".length);
}

test("files, links and devices get what their entries say", (t) => {
  const xattrs = new Map([["user.x", Buffer.from([0, 255])]]);
  const made = apply(
    tree({}),
    e("bin/", { mode: 0o700, uid: 5, gid: 6, mtimeSeconds: 7 }),
    e("bin/sh", { mode: 0o4755, sizeBytes: 10, dataOffset: 2048, xattrs, uid: 4_000_000_000 }),
    e("bin/ash", { linkTarget: "sh", mode: 0o644 }),
    e("dev/null", { type: "character-device", major: 1, minor: 3, mode: 0o666 }),
    e("dev/sda", { type: "block-device", major: 8, minor: 0, mode: 0o660 }),
    e("run/pipe", { type: "fifo", mode: 0o600, mtimeSeconds: -5 }),
    e("empty"),
  );
  t.deepEqual(
    [...listTree(made, { times: true })],
    [
      "d 0755 0:0 0 1 0 .",
      "d 0700 5:6 0 1 7 bin",
      "l 0777 0:0 0 1 0 bin/ash -> sh",
      "- 4755 4000000000:0 10 1 0 bin/sh {user.x=00ff}",
      "d 0755 0:0 0 1 0 dev",
      "c 0666 0:0 1:3 1 0 dev/null",
      "b 0660 0:0 8:0 1 0 dev/sda",
      "- 0644 0:0 0 1 0 empty",
      "d 0755 0:0 0 1 0 run",
      "p 0600 0:0 0 1 -5 run/pipe",
    ],
  );
  t.deepEqual(made.get("bin/sh"), {
    type: "file",
    mode: 0o4755,
    uid: 4_000_000_000,
    gid: 0,
    mtimeSeconds: 0,
    xattrs,
    sizeBytes: 10,
    content: { kind: "extent", source, position: 2048, lengthBytes: 10 },
  });
});

test("a sparse file keeps its stretches", (t) => {
  const data = [{ offset: 100, lengthBytes: 3 }];
  const made = apply(tree({}), e("s", { sizeBytes: 1000, storedBytes: 3, dataOffset: 512, data }));
  const node = made.get("s");
  t.like(node, { sizeBytes: 1000, content: { position: 512, lengthBytes: 3, data } });
});

test("leading slashes, dots and inner .. parts change nothing", (t) => {
  const made = apply(tree({}), e("/abs/x"), e("./dot/./y"), e("a/../z"), e("//dot//w"));
  t.deepEqual(paths(made), ["abs", "abs/x", "dot", "dot/w", "dot/y", "z"]);
});

test("the entry of the root sets its attributes", (t) => {
  for (const path of ["./", "/", ""]) {
    const made = apply(
      tree({ x: "1" }),
      e(path, { type: "directory", mode: 0o700, uid: 3, mtimeSeconds: 9 }),
    );
    t.deepEqual([...listTree(made, { times: true })][0], "d 0700 3:0 0 1 9 .");
    t.deepEqual(paths(made), ["x"]);
  }
});

test("parents that no entry names are root's and 0755", (t) => {
  const made = apply(tree({}), e("a/b/c", { uid: 5, gid: 5, mode: 0o600 }));
  t.deepEqual([...listTree(made)].slice(1, 3), ["d 0755 0:0 0 1 a", "d 0755 0:0 0 1 a/b"]);
  t.deepEqual(paths(apply(made, e("a/b/", { mode: 0o1777 }))), ["a", "a/b", "a/b/c"]);
  t.is(made.get("a/b")?.mode, 0o1777);
});

test("later entries win, within a layer and over lower layers", (t) => {
  const made = apply(tree({ f: file("old", { mode: 0o600 }) }), e("f", { mode: 0o640 }));
  t.is(made.get("f")?.mode, 0o640);
  apply(made, e("f", { mode: 0o1 }), e("f", { linkTarget: "g" }), e("f", { mode: 0o2 }));
  t.is(made.get("f")?.mode, 0o2);
});

test("a directory over a directory keeps who is in it and takes the new attributes", (t) => {
  const lower = tree({ d: directory({ mode: 0o700, xattrs: { "user.old": "1" } }), "d/x": "1" });
  const made = apply(lower, e("d/", { mode: 0o711, uid: 9 }));
  t.deepEqual([...listTree(made)].slice(1), ["d 0711 9:0 0 1 d", "- 0644 0:0 1 1 d/x"]);
});

test("files replace directories and directories replace files and symlinks", (t) => {
  const lower = tree({ "d/deep/x": "1", f: "2", l: link("target"), "target/keep": "3" });
  const made = apply(lower, e("d"), e("f/"), e("f/y"), e("l/"), e("l/z"));
  t.deepEqual(paths(made), ["d", "f", "f/y", "l", "l/z", "target", "target/keep"]);
});

test("a path through a file makes it a directory", (t) => {
  t.deepEqual(paths(apply(tree({ f: "2" }), e("f/g/h"))), ["f", "f/g", "f/g/h"]);
});

test("entries below symlinked directories land at the link's target, inside the root", (t) => {
  const lower = tree({
    "usr/lib/x": "1",
    lib: link("usr/lib"),
    abs: link("/usr/lib"),
    up: link("../../../usr"),
    "var/run": link("../run"),
    dangling: link("not/there"),
    chain: link("abs"),
  });
  const made = apply(
    lower,
    e("lib/a"),
    e("abs/b"),
    e("up/lib/c"),
    e("var/run/d"),
    e("dangling/e"),
    e("chain/f"),
  );
  t.deepEqual(
    paths(made).filter((path) => !path.includes("->")),
    [
      ..."not not/there not/there/e run run/d".split(" "),
      ..."usr usr/lib usr/lib/a usr/lib/b usr/lib/c usr/lib/f usr/lib/x var".split(" "),
    ],
  );
});

test("the last part of a path is never followed", (t) => {
  const made = apply(tree({ l: link("victim"), victim: "safe" }), e("l", { mode: 0o600 }));
  t.is(made.get("l")?.type, "file");
  t.is(made.get("victim")?.mode, 0o644);
});

test("symlink loops end with an error", (t) => {
  const message = fails(t, "tree/link-loop", e("a/x"));
  t.is(message, "the path a leads through more than 40 symlinks");
});

test("CVE-2018-15664's kind: a symlink out of the root leads nowhere else", (t) => {
  const made = apply(
    tree({}),
    e("esc", { linkTarget: "/../../../etc" }),
    e("esc/passwd"),
    e("esc2", { linkTarget: "../.." }),
    e("esc2/shadow"),
  );
  t.deepEqual(paths(made), [
    "esc -> /../../../etc",
    "esc2 -> ../..",
    "etc",
    "etc/passwd",
    "shadow",
  ]);
});

test("paths that lead out of the root are refused", (t) => {
  for (const path of ["../x", "a/../../x", "/..", "../../../../etc/passwd", "..", "etc/../../"]) {
    const message = fails(t, "tree/path-escape", e(path, { type: "file" }));
    t.is(message, `the path ${path} leads out of the root file system`);
  }
  fails(t, "tree/path-escape", e("h", { type: "hard-link", linkTarget: "../etc/passwd" }));
});

test("names that no file system takes are refused", (t) => {
  fails(t, "tree/bad-name", e("n".repeat(256)));
  fails(t, "tree/bad-name", e("a\0b"));
  fails(t, "tree/bad-name", e("d/".repeat(2048)));
  t.notThrows(() => apply(tree({}), e("n".repeat(255)), e(`${"d/".repeat(2047)}x`)));
});

test("the root can't become anything but a directory", (t) => {
  fails(t, "tree/root-not-directory", e("./", { type: "symlink", linkTarget: "/etc" }));
  fails(t, "tree/root-not-directory", e("/", { type: "file" }));
});

test("hard links share the node, within a layer and with lower layers", (t) => {
  const made = apply(
    tree({ "lower/file": file("x", { mode: 0o711 }), soft: link("lower/file") }),
    e("new", { sizeBytes: 3 }),
    e("also", { type: "hard-link", linkTarget: "./new", mode: 0 }),
    e("of-lower", { type: "hard-link", linkTarget: "/lower/file" }),
    e("of-soft", { type: "hard-link", linkTarget: "soft" }),
    e("dir", { linkTarget: "lower" }),
    e("through", { type: "hard-link", linkTarget: "dir/file" }),
    e("new", { type: "hard-link", linkTarget: "new" }),
  );
  t.deepEqual([...listTree(made)].slice(1), [
    "- 0644 0:0 3 2 also",
    "l 0777 0:0 0 1 dir -> lower",
    "d 0755 0:0 0 1 lower",
    "- 0711 0:0 1 3 lower/file",
    "- 0644 0:0 3 2 new = also",
    "- 0711 0:0 1 3 of-lower = lower/file",
    "l 0777 0:0 0 2 of-soft -> lower/file",
    "l 0777 0:0 0 2 soft -> lower/file = of-soft",
    "- 0711 0:0 1 3 through = lower/file",
  ]);
});

test("replacing one name of a hard link leaves the other", (t) => {
  const shared = file("x", { mode: 0o600 });
  const made = apply(tree({ a: shared, b: shared }), e("a", { mode: 0o644 }));
  t.is(made.get("b"), shared);
  t.is(made.get("a")?.mode, 0o644);
});

const hard = (path: string, linkTarget: string) => e(path, { type: "hard-link", linkTarget });

test("hard links to what is missing, later or a directory are refused", (t) => {
  t.is(
    fails(t, "tree/link-target", hard("early", "late"), e("late")),
    "early is a hard link to late, which is not there (yet)",
  );
  t.is(
    fails(t, "tree/link-target", hard("x", "etc")),
    "x is a hard link to etc, which is a directory",
  );
  fails(t, "tree/link-target", hard("x", "/"));
  fails(t, "tree/link-target", hard("x", ""));
  fails(t, "tree/link-target", hard("x", "etc/passwd/y"));
});

test("symlinks need a text that Linux takes", (t) => {
  fails(t, "tree/link-target", e("l", { type: "symlink" }));
  fails(t, "tree/link-target", e("l", { linkTarget: "x".repeat(4096) }));
  fails(t, "tree/link-target", e("l", { linkTarget: "a\0b" }));
  t.notThrows(() => apply(tree({}), e("l", { linkTarget: "x".repeat(4095) })));
});

test("a whiteout removes a file, a tree, a symlink itself, or nothing", (t) => {
  const lower = tree({ "d/f": "1", "d/keep": "2", "gone/deep/x": "3", l: link("d"), k: "4" });
  const made = apply(lower, e("d/.wh.f"), e(".wh.gone"), e(".wh.l"), e("d/.wh.missing"));
  t.deepEqual(paths(made), ["d", "d/keep", "k"]);
  // Below what is missing or a file there is nothing to remove, and nothing is made.
  t.deepEqual(paths(apply(made, e("no/such/.wh.x"), e("k/.wh.x"))), ["d", "d/keep", "k"]);
});

test("a whiteout never removes what its own layer brings, before or after", (t) => {
  const marker = e(".wh.d");
  for (const entries of [
    [marker, e("d/"), e("d/new")],
    [e("d/new"), marker],
    [e("d/"), marker, e("d/new")],
  ]) {
    const lower = tree({ "d/old": "1", "d/sub/older": "1" });
    t.deepEqual(paths(apply(lower, ...entries)), ["d", "d/new"]);
  }
  t.deepEqual(paths(apply(tree({ f: "1" }), e("f"), e(".wh.f"))), ["f"]);
});

test("an opaque directory hides all below it from lower layers, whatever the order", (t) => {
  const marker = e("d/.wh..wh..opq");
  for (const entries of [
    [marker, e("d/new"), e("d/sub/new")],
    [e("d/new"), e("d/sub/new"), marker],
    [e("d/sub/new"), marker, e("d/new")],
  ]) {
    const lower = tree({ d: directory({ mode: 0o700 }), "d/old": "1", "d/sub/old": "1", x: "2" });
    const made = apply(lower, ...entries);
    t.deepEqual(paths(made), ["d", "d/new", "d/sub", "d/sub/new", "x"]);
    t.is(made.get("d")?.mode, 0o700);
  }
});

test("an opaque root", (t) => {
  const made = apply(tree({ "a/b": "1", c: "2" }), e("new"), e(".wh..wh..opq"));
  t.deepEqual(paths(made), ["new"]);
});

test("a link replaced by an opaque directory leaves the link's target alone", (t) => {
  const lower = tree({ l: link("target"), "target/keep": "1" });
  const made = apply(lower, e("l/"), e("l/.wh..wh..opq"), e("l/new"));
  t.deepEqual(paths(made), ["l", "l/new", "target", "target/keep"]);
});

test("whiteouts below a symlinked directory work at its target", (t) => {
  const lower = tree({ "usr/lib/a": "1", "usr/lib/b": "1", lib: link("usr/lib") });
  t.deepEqual(paths(apply(lower, e("lib/.wh.a"))), [
    "lib -> usr/lib",
    "usr",
    "usr/lib",
    "usr/lib/b",
  ]);
});

test("a name whited out and hard linked in one layer stays where it was linked", (t) => {
  const made = apply(tree({ a: "1" }), e("b", { type: "hard-link", linkTarget: "a" }), e(".wh.a"));
  t.deepEqual(paths(made), ["b"]);
});

test("AUFS' other names are left out", (t) => {
  const made = apply(
    tree({ x: "1", ".plnk": "1" }),
    e(".wh..wh.plnk/"),
    e(".wh..wh.aufs"),
    e(".wh..wh.orph"),
  );
  t.deepEqual(paths(made), [".plnk", "x"]);
});

test("whiteouts of nothing, . and .. are refused", (t) => {
  for (const path of ["etc/.wh.", "etc/.wh..", "etc/.wh..."]) {
    const message = fails(t, "tree/bad-whiteout", e(path));
    t.is(message, `the whiteout ${path} doesn't say which name to remove`);
  }
});

test("an overlayfs whiteout is a device like any other", (t) => {
  const made = apply(tree({ x: "1" }), e("x", { type: "character-device", mode: 0 }));
  t.deepEqual(made.get("x"), device("character-device", 0, 0, { mode: 0 }));
});

const withXattr = (name: string, lengthBytes: number) =>
  e("f", { xattrs: new Map([[name, Buffer.alloc(lengthBytes)]]) });

test("extended attributes that no file system takes are refused", (t) => {
  fails(t, "tree/bad-xattr", withXattr("", 1));
  fails(t, "tree/bad-xattr", withXattr("a\0b", 1));
  fails(t, "tree/bad-xattr", withXattr(`user.${"n".repeat(251)}`, 1));
  fails(t, "tree/bad-xattr", withXattr("user.big", 65_537));
  const longest = apply(tree({}), withXattr(`user.${"n".repeat(250)}`, 65_536));
  t.is(longest.get("f")?.xattrs?.size, 1);
});

test("attributes of the host's own security system are dropped", (t) => {
  const value = Buffer.from("v");
  const xattrs = new Map([
    ["security.selinux", value],
    ["system.nfs4_acl", value],
    ["security.capability", value],
  ]);
  const made = apply(
    tree({}),
    e("f", { xattrs }),
    e("d/", { xattrs: new Map([...xattrs].slice(0, 2)) }),
  );
  t.deepEqual([...(made.get("f")?.xattrs?.keys() ?? [])], ["security.capability"]);
  t.false("xattrs" in (made.get("d") ?? {}));
  t.is(xattrs.size, 3);
});

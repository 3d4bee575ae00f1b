import test from "ava";
import { lostAttributes } from "../../src/sandbox/lost-attributes.ts";
import { ownersLost } from "../../src/sandbox/owners-lost.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import type { Script } from "../../src/model/plan.ts";
import type { DirectoryNode, SymlinkNode } from "../../src/model/node.ts";

const link = (uid: number, gid: number): SymlinkNode => ({
  type: "symlink",
  target: "x",
  mode: 0o777,
  uid,
  gid,
  mtimeSeconds: 0,
});
const folder = (gid: number, mode: number): DirectoryNode => ({
  type: "directory",
  mode,
  uid: 0,
  gid,
  mtimeSeconds: 0,
});

test("what took another owner's place, or was made in a folder that hands on its group, is named", (t) => {
  const before = new FileTree();
  before.put("etc/shadow", link(0, 42));
  before.put("etc/kept", link(5, 6));
  before.put("etc/roots", link(0, 0));
  before.put("etc/gone", link(5, 6));
  before.put("srv/old", link(0, 0));
  const after = new FileTree();
  after.put("etc/shadow", link(0, 0));
  after.put("etc/kept", link(5, 6));
  after.put("etc/roots", link(0, 0));
  after.put("etc/new", link(0, 0));
  after.put("srv", folder(8, 0o2775));
  after.put("srv/old", link(0, 0));
  after.put("srv/new", link(0, 0));
  after.put("srv/own", link(7, 0));
  t.deepEqual(ownersLost(before, after), [
    { path: "/etc/shadow", what: "owner 0:42, which it had before" },
    { path: "/srv/new", what: "group 8 of its folder" },
  ]);
});

const script = { section: "post" } as Script;

test("losses are named up to twenty, without those of files that are gone, and the rest is counted", (t) => {
  const losses = Array.from({ length: 30 }, (_, index) => ({
    path: `/f${index}\n`,
    what: "owner 1:1",
  }));
  const text =
    lostAttributes(script, { losses, users: [33, 1234] }, (path) => path !== "/f3\n") ?? "";
  const lines = text.split("\n");
  t.is(lines.length, 23);
  t.is(lines[1], "/f0\\x0a: owner 1:1");
  t.false(text.includes("/f3\\"));
  t.is(lines[21], "and 9 more");
  t.regex(lines[22] ?? "", /users 33, 1234/);
  t.is(
    lostAttributes(script, { losses: [], users: [] }, () => true),
    undefined,
  );
  t.is(
    lostAttributes(script, { losses, users: [] }, () => false),
    undefined,
  );
});

test("a device that was not made is named although nothing is there", (t) => {
  const losses = [{ path: "/dev/x", what: "device c 1:3" }];
  t.regex(
    lostAttributes(script, { losses, users: [] }, () => false) ?? "",
    /\/dev\/x: device c 1:3/,
  );
});

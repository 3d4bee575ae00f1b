import type { BigIntStats } from "node:fs";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { Ledger } from "../../src/folder/ledger.ts";
import type { DeviceNode, FileNode, Node } from "../../src/model/node.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

const statOf = (path: string) => lstatSync(path, { bigint: true });

/** What a reader makes of a file on disk. */
const nodeOf = (stat: BigIntStats): FileNode => ({
  type: "file",
  mode: Number(stat.mode & 0o7777n),
  uid: Number(stat.uid),
  gid: Number(stat.gid),
  mtimeSeconds: 0,
  sizeBytes: Number(stat.size),
  content: { kind: "bytes", bytes: Buffer.alloc(0) },
});
const restored = (ledger: Ledger, path: string): Node =>
  ledger.restore(statOf(path), nodeOf(statOf(path)));

let files = 0;
function newFile(content = "x"): string {
  const path = join(scratch, String(++files));
  writeFileSync(path, content, { mode: 0o644 });
  return path;
}

const device: DeviceNode = {
  type: "character-device",
  mode: 0o666,
  uid: 0,
  gid: 5,
  mtimeSeconds: 0,
  major: 1,
  minor: 3,
};

test("an owner comes back, through a change of the mode and of the name", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  ledger.remember(statOf(path), { ...nodeOf(statOf(path)), uid: 33, gid: 34 });
  t.like(restored(ledger, path), { uid: 33, gid: 34, mode: 0o644 });
  chmodSync(path, 0o600);
  renameSync(path, `${path}-moved`);
  t.like(restored(ledger, `${path}-moved`), { uid: 33, gid: 34, mode: 0o600 });
});

test("what the disk holds as wanted is not remembered, and forgotten when it was", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  ledger.remember(statOf(path), { ...nodeOf(statOf(path)), uid: 33 });
  t.is(ledger.size, 1);
  ledger.remember(statOf(path), nodeOf(statOf(path)));
  t.is(ledger.size, 0);
});

test("an owner that was changed on disk wins", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  const stat = statOf(path);
  ledger.remember(stat, { ...nodeOf(stat), uid: 33, gid: 34, mode: 0o2755 });
  const changed = { ...stat, uid: 77n, isDirectory: () => false };
  t.like(ledger.restore(changed, nodeOf(changed)), { uid: 77, gid: Number(stat.gid) });
});

test("a mode that was changed on disk wins", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  ledger.remember(statOf(path), { ...nodeOf(statOf(path)), mode: 0o2755 });
  t.is(restored(ledger, path).mode, 0o2755);
  chmodSync(path, 0o700);
  t.is(restored(ledger, path).mode, 0o700);
});

test("a device comes back from its placeholder until somebody writes into that", (t) => {
  const ledger = new Ledger();
  const path = newFile("");
  ledger.remember(statOf(path), device);
  t.like(restored(ledger, path), { type: "character-device", major: 1, minor: 3, gid: 5 });
  appendFileSync(path, "text");
  t.is(restored(ledger, path).type, "file");
});

test("an inode that was used again is a new file", (t) => {
  const ledger = new Ledger();
  const path = newFile("");
  const { ino } = statOf(path);
  ledger.remember(statOf(path), device);
  unlinkSync(path);
  // Most file systems give the number that became free; if not, there is nothing to be mistaken about.
  closeSync(openSync(path, "w"));
  t.log(statOf(path).ino === ino ? "the inode number was used again" : "another inode number");
  t.is(restored(ledger, path).type, "file");
});

test("without a time of birth, a file that changed since is taken for another", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  const withoutBirth = () =>
    Object.assign(Object.create(Object.getPrototypeOf(statOf(path)) as object) as object, {
      ...statOf(path),
      birthtimeNs: 0n,
    });
  ledger.remember(withoutBirth(), { ...nodeOf(statOf(path)), uid: 33 });
  t.is(ledger.restore(withoutBirth(), nodeOf(statOf(path))).uid, 33);
  utimesSync(path, 5, 5);
  t.is(ledger.restore(withoutBirth(), nodeOf(statOf(path))).uid, nodeOf(statOf(path)).uid);
});

test("a file capability is gone once the file was written to, other attributes stay", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  const xattrs = new Map([
    ["security.capability", Buffer.from("caps")],
    ["trusted.t", Buffer.from("t")],
  ]);
  ledger.remember(statOf(path), { ...nodeOf(statOf(path)), xattrs }, xattrs);
  t.deepEqual([...(restored(ledger, path).xattrs?.keys() ?? [])], [...xattrs.keys()]);
  appendFileSync(path, "more");
  t.deepEqual([...(restored(ledger, path).xattrs?.keys() ?? [])], ["trusted.t"]);
});

test("an attribute on disk wins over the remembered one", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  const old = new Map([["user.a", Buffer.from("old")]]);
  ledger.remember(statOf(path), { ...nodeOf(statOf(path)), xattrs: old }, old);
  const found = { ...nodeOf(statOf(path)), xattrs: new Map([["user.a", Buffer.from("new")]]) };
  t.is(
    Buffer.from(ledger.restore(statOf(path), found).xattrs?.get("user.a") ?? []).toString(),
    "new",
  );
});

test("a mode that we change ourselves stays the old one for the image", (t) => {
  const ledger = new Ledger();
  const path = newFile();
  chmodSync(path, 0);
  ledger.keepMode(statOf(path), 0o400, nodeOf(statOf(path)));
  chmodSync(path, 0o400);
  t.is(restored(ledger, path).mode, 0);
  ledger.keepMode(statOf(path), 0o600, nodeOf(statOf(path)));
  chmodSync(path, 0o600);
  t.is(restored(ledger, path).mode, 0);
  chmodSync(path, 0o644);
  t.is(restored(ledger, path).mode, 0o644);
});

test("a ledger survives as JSON", (t) => {
  const ledger = new Ledger();
  const path = newFile("");
  const xattrs = new Map([["user.\u00ff", Buffer.from([0, 255])]]);
  ledger.remember(statOf(path), { ...device, xattrs }, xattrs);
  const copy = Ledger.fromJSON(JSON.parse(JSON.stringify(ledger)));
  t.deepEqual(restored(copy, path), restored(ledger, path));
  t.is(restored(copy, path).type, "character-device");
});

import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { belongsInImage, withoutOwnNamespace } from "../../src/folder/read-xattrs.ts";
import { netRawCapability } from "../helpers/nasty-tree.ts";
import { asPlainUser, asSingleRoot, nobodyInParticular, runAs } from "../helpers/run-as.ts";
import { hostTest } from "../helpers/tool.ts";

const scratch = mkdtempSync(join(tmpdir(), "tsbuild-test-"));
chmodSync(scratch, 0o755);
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

test("what belongs to the machine stays out of the image", (t) => {
  const names = [
    "user.a",
    "user.overlay.opaque",
    "trusted.b",
    "trusted.overlay.redirect",
    "security.capability",
    "security.ima",
    "security.selinux",
    "security.evm",
    "system.posix_acl_access",
    "other",
  ];
  t.deepEqual(names.filter(belongsInImage), [
    "user.a",
    "trusted.b",
    "security.capability",
    "security.ima",
  ]);
});

test("a capability of another namespace's root is left alone", (t) => {
  const third = Buffer.concat([netRawCapability, Buffer.from([0xe9, 3, 0, 0])]);
  third[3] = 3;
  t.deepEqual(withoutOwnNamespace(third, 1001), netRawCapability);
  t.deepEqual(withoutOwnNamespace(third, 1002), third);
  t.deepEqual(withoutOwnNamespace(netRawCapability, 1001), netRawCapability);
  t.deepEqual(withoutOwnNamespace(Buffer.alloc(3), 1001), Buffer.alloc(3));
});

hostTest(
  "root, setcap",
  process.geteuid?.() === 0,
  "a capability that was set in our own namespace is read from outside as an image needs it",
  (t) => {
    const file = join(scratch, "ping");
    writeFileSync(file, "ping");
    chownSync(scratch, nobodyInParticular, nobodyInParticular);
    chownSync(file, nobodyInParticular, nobodyInParticular);
    const [program, ...rest] = [...asSingleRoot, "setcap", "cap_net_raw+ep", file];
    t.is(spawnSync(program, rest).stderr.toString(), "");
    const raw = spawnSync("getfattr", ["--only-values", "-n", "security.capability", file]);
    t.is(raw.stdout.length, 24, "on disk it has the third form");
    const read = runAs(asPlainUser, join(import.meta.dirname, "xattr-fixture.ts"), [file]);
    t.deepEqual(read, { "security.capability": netRawCapability.toString("hex") });
  },
);

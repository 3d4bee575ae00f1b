import test from "ava";
import { mountOptions, mountOptionsIn } from "../../src/system/mount-options.ts";

const mountInfo = String.raw`22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /tmp rw,noexec,nosuid - tmpfs tmpfs rw
31 30 0:27 / /tmp/a\040b ro - tmpfs tmpfs rw
32 30 0:28 / /tmp/twice rw,noexec - tmpfs tmpfs rw
33 30 0:29 / /tmp/twice rw - tmpfs tmpfs rw
`;

test("finds the mount that a path is on", (t) => {
  t.deepEqual(mountOptionsIn(mountInfo, "/var/tmp"), ["rw", "relatime"]);
  t.deepEqual(mountOptionsIn(mountInfo, "/tmp/x"), ["rw", "noexec", "nosuid"]);
  t.deepEqual(mountOptionsIn(mountInfo, "/tmpx"), ["rw", "relatime"]);
  t.deepEqual(mountOptionsIn(mountInfo, "/tmp/a b/c"), ["ro"]);
});

test("of two mounts at one place, the later one counts", (t) => {
  t.deepEqual(mountOptionsIn(mountInfo, "/tmp/twice/x"), ["rw"]);
});

test("knows this machine's root, and nothing of what is not there", (t) => {
  t.true(mountOptions("/").some((option) => option === "rw" || option === "ro"));
  t.deepEqual(mountOptions("/nowhere/at/all"), []);
});

import test from "ava";
import { groupPlaces } from "../../src/sandbox/control-group-places.ts";

const line = (root: string, at: string, type: string, options: string) =>
  `30 20 0:26 ${root} ${at} rw,nosuid shared:4 - ${type} cgroup ${options}\n`;

test("version 2 alone, as systemd mounts it", (t) => {
  const mounts = line("/", "/sys/fs/cgroup", "cgroup2", "rw,nsdelegate");
  t.deepEqual(groupPlaces("0::/user.slice/user-1000.slice/session-2.scope\n", mounts), [
    {
      version: 2,
      controllers: [],
      folder: "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope",
      top: "/sys/fs/cgroup",
    },
  ]);
});

test("version 1, with two controllers in one hierarchy, beside an empty version 2", (t) => {
  const mounts =
    line("/", "/sys/fs/cgroup/unified", "cgroup2", "rw") +
    line("/", "/sys/fs/cgroup/cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") +
    line("/", "/sys/fs/cgroup/memory", "cgroup", "rw,memory") +
    line("/", "/sys/fs/cgroup/systemd", "cgroup", "rw,xattr,name=systemd");
  const own = "5:memory:/a b\n4:cpu,cpuacct:/\n1:name=systemd:/init\n0::/\n3:pids:/\n";
  t.deepEqual(
    groupPlaces(own, mounts).map(({ version, controllers, folder }) => [
      version,
      controllers.join(),
      folder,
    ]),
    [
      [1, "memory", "/sys/fs/cgroup/memory/a b"],
      [1, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"],
      [1, "name=systemd", "/sys/fs/cgroup/systemd/init"],
      [2, "", "/sys/fs/cgroup/unified"],
    ],
  );
});

test("a container sees its own group as the outermost", (t) => {
  const mounts = line("/docker/abc", "/sys/fs/cgroup/memory", "cgroup", "ro,memory");
  t.is(groupPlaces("4:memory:/docker/abc\n", mounts)[0]?.folder, "/sys/fs/cgroup/memory");
  t.is(groupPlaces("4:memory:/docker/abc/x\n", mounts)[0]?.folder, "/sys/fs/cgroup/memory/x");
  t.deepEqual(groupPlaces("4:memory:/docker/other\n", mounts), []);
});

test("nothing where nothing is mounted", (t) => {
  t.deepEqual(groupPlaces("0::/\n", ""), []);
  t.deepEqual(groupPlaces("", line("/", "/sys/fs/cgroup", "cgroup2", "rw")), []);
});

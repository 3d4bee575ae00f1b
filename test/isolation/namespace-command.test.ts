import test from "ava";
import type { HostFacts } from "../../src/isolation/host-facts.ts";
import type { RunRequest } from "../../src/isolation/isolation.ts";
import { identEntry } from "../../src/isolation/ident.ts";
import { mountHelper } from "../../src/isolation/mount-helper.ts";
import { namespaceIsolation } from "../../src/isolation/namespace-isolation.ts";
import { loopbackCommand } from "../../src/system/bring-up-loopback.ts";
import { shellCommand } from "../../src/system/shell-command.ts";

const machine = [{ inside: 0, outside: 0, count: 0xffff_ffff }];
const one = [{ inside: 0, outside: 1001, count: 1 }];

const facts: HostFacts = {
  uid: 0,
  gid: 0,
  userName: "root",
  architecture: "x64",
  programs: {
    unshare: "/usr/bin/unshare",
    chroot: "/usr/sbin/chroot",
    setpriv: "/usr/bin/setpriv",
    mount: "/usr/bin/mount",
  },
  setprivOptions: ["--pdeathsig", "--clear-groups"],
  path: "/usr/bin:/usr/sbin",
  uidMap: machine,
  gidMap: machine,
  isInitialNamespace: true,
  capabilities: 0n,
  folder: "/tmp",
  entered: undefined,
};

const request: RunRequest = {
  rootFolder: "/tmp/a b/rootfs",
  workFolder: "/tmp/a b/work",
  mounts: [
    { kind: "proc" },
    { kind: "sys" },
    { kind: "dev" },
    { kind: "bind", source: "/data", target: "/mnt", readOnly: false },
    { kind: "bind", source: "/ro", target: "/opt/ro", readOnly: true },
    { kind: "tmpfs", target: "/run/x", mode: 0o700 },
  ],
  root: "writable",
  secrets: ["/run/secrets/token"],
  network: "host",
  command: ["/bin/sh", "-ex", "/.post.script"],
};

/** The argument list with the helper's text by its name. */
const shown = (list: readonly string[]): string =>
  shellCommand(list.map((word) => (word === mountHelper ? "HELPER" : word)));

test("root: namespaces, mounts, the command, all of it to be pasted into a shell", (t) => {
  const isolation = namespaceIsolation("root", facts, "kept");
  t.deepEqual(isolation.files, []);
  t.is(
    shown(isolation.commandLine(request)),
    "/usr/bin/setpriv --pdeathsig KILL --clear-groups -- " +
      "/usr/bin/unshare --mount --propagation private --pid --fork --kill-child --ipc --uts -- " +
      "/bin/sh -c HELPER tsbuild '/tmp/a b/rootfs' root writable '/tmp/a b/work/changes' proc sys dev " +
      "bind /data /mnt robind /ro /opt/ro tmpfs 700 /run/x guard secret /run/secrets/token -- " +
      "/usr/sbin/chroot . /bin/sh -ex /.post.script",
  );
});

test("a namespace with one id: a filter before the command, and no groups to clear", (t) => {
  const isolation = namespaceIsolation(
    "single",
    { ...facts, uidMap: one, gidMap: one, isInitialNamespace: false },
    "lost",
  );
  t.deepEqual(
    isolation.files.map(({ name }) => name),
    ["filter-loader"],
  );
  const line = shown(isolation.commandLine(request));
  t.true(line.startsWith("/usr/bin/setpriv --pdeathsig KILL -- /usr/bin/unshare"));
  t.false(line.includes("guard"));
  t.true(
    line.endsWith(" -- '/tmp/a b/work/filter-loader' /usr/sbin/chroot . /bin/sh -ex /.post.script"),
  );
  t.is(
    shown(isolation.hostCommandLine(["/bin/true"], "/work")),
    "/usr/bin/setpriv --pdeathsig KILL -- /work/filter-loader /usr/bin/env -- /bin/true",
  );
});

test("a network of its own has its loopback device up", (t) => {
  const isolation = namespaceIsolation("root", facts, "kept");
  const line = isolation.commandLine({ ...request, network: "none", root: "read-only" });
  t.true(line.includes("--net"));
  const loopback = loopbackCommand();
  t.deepEqual(line.slice(line.lastIndexOf("--") - 5, line.lastIndexOf("--")), ["lo", ...loopback]);
  t.is(line[line.indexOf("root") + 1], "read-only");
});

test("an old setpriv is not asked for what it does not know", (t) => {
  const isolation = namespaceIsolation("root", { ...facts, setprivOptions: [] }, "lost");
  const line = shown(isolation.commandLine(request));
  t.regex(line, /^\/bin\/sh -c 'if \{ true <&4; \}/);
  t.regex(line, /exec "\$@"' tsbuild \/usr\/bin\/unshare --mount/);
});

test("in a container's root, every id stands for itself", (t) => {
  const { uidMap, mapper } = identEntry({
    ...facts,
    uidMap: [
      { inside: 0, outside: 1001, count: 1 },
      { inside: 1, outside: 100_000, count: 65_536 },
    ],
  });
  t.deepEqual(uidMap, [
    { inside: 0, outside: 0, count: 1 },
    { inside: 1, outside: 1, count: 65_536 },
  ]);
  t.deepEqual(mapper, { kind: "files" });
});

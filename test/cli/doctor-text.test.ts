import test from "ava";
import { doctorText } from "../../src/cli/doctor-text.ts";
import type { MachineReport } from "../../src/doctor/examine-machine.ts";

const folder = {
  path: "/tmp",
  fileSystem: "tmpfs",
  isShared: false,
  freeBytes: 2 ** 30,
  freeInodes: 1000,
  options: ["rw", "noexec"],
  abilities: {
    symlinks: true,
    hardLinks: true,
    attributes: false,
    sharedCopies: false,
    programs: false,
  },
};

const report: MachineReport = {
  version: 1,
  kernel: "6.1.0",
  architecture: "x64",
  user: { uid: 1000, name: "ada" },
  way: "single",
  losses: ["files that a script makes are root's"],
  ways: [
    { name: "root", summary: "as root", state: "refused", reason: "you are not root" },
    { name: "subid", summary: "with ids", state: "refused", reason: "no range" },
    { name: "single", summary: "as a plain user of one id", state: "taken" },
  ],
  next: { way: "subid", hint: "type it", command: "usermod --add-subuids 1-2 ada" },
  abilities: {
    userNamespaces: true,
    overlay: false,
    fuse: true,
    overlays: {
      way: "fuse-overlayfs",
      passedOver: [{ name: "overlay", reason: "mount: rootfs: permission denied." }],
    },
  },
  groups: [],
  folders: { temporary: folder, target: { ...folder, path: "/home/ada", abilities: undefined } },
  registries: {
    proxies: { https_proxy: "http://***@proxy:3128" },
    logins: [{ registry: "ghcr.io", file: "/home/ada/.docker/config.json" }],
  },
  findings: [
    { code: "host/no-subuid", severity: "warning", message: "ada has none", hint: "type it" },
  ],
};

test("a report says first how scripts run, then what is wrong, then what was seen", (t) => {
  t.is(
    doctorText(report),
    `Scripts run as a plain user of one id (single).
  lost: files that a script makes are root's
  better would be subid; as root:
    usermod --add-subuids 1-2 ada
  not root: you are not root
  not subid: no range

warning: ada has none
  hint: type it
  code: host/no-subuid (docs/errors/host/no-subuid.md)

Machine: Linux 6.1.0, x64; user ada (1000)
Kernel: user namespaces yes, overlay no, FUSE yes
Scripts over a base that is kept: fuse-overlayfs (not overlay: mount: rootfs: permission denied.)
Control groups: none can be made; --memory and --pids hold for single processes only
Folder for temporary files: /tmp, tmpfs, 1.0 GiB free, 1000 inodes, no attributes, no programs
Folder for images: /home/ada, tmpfs, 1.0 GiB free, 1000 inodes
Proxies: https_proxy=http://***@proxy:3128
Logins: ghcr.io
`,
  );
});

test("a machine on which nothing is wrong, and one on which scripts can't run", (t) => {
  const well = { ...report, losses: [], findings: [], next: undefined, way: "root" };
  t.true(doctorText(well).includes("\nNothing is wrong.\n"));
  const bad = { ...report, way: undefined, next: undefined, abilities: undefined };
  t.regex(doctorText(bad), /^Scripts can't be run here; definitions without %pre/);
});

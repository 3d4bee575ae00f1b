import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const busybox = "/bin/busybox";

/** The smallest root file system in which scripts run: busybox under its names, a few users, the folders of the layout. */
export function makeBusyboxRoot(folder: string): string {
  for (const path of [
    "bin",
    "dev",
    "etc",
    "proc",
    "root",
    "sys",
    "tmp",
    "usr/bin",
    "var/tmp",
    ".singularity.d/env",
  ]) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  // The folder of a test is made with a mode that lets nobody else in.
  chmodSync(folder, 0o755);
  copyFileSync(busybox, join(folder, "bin/busybox"));
  for (const name of execFileSync(busybox, ["--list"], { encoding: "utf8" }).split("\n")) {
    if (name !== "" && name !== "busybox") symlinkSync("busybox", join(folder, "bin", name));
  }
  writeFileSync(
    join(folder, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\n",
  );
  writeFileSync(join(folder, "etc/group"), "root:x:0:\ndaemon:x:1:\n");
  for (const name of ["etc/resolv.conf", "etc/hosts"]) writeFileSync(join(folder, name), "");
  return folder;
}

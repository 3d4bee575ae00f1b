// How fast a folder becomes a tree and a tree a folder, next to `cp -a` and `tar`. Processor time is told too, because
// it is steadier than the clock on a machine that others use.
//
//   node bench/folder.ts [FOLDER [WHERE]]       as root; default /usr/share, copied into the temporary folder

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFolder } from "../src/folder/read-folder.ts";
import { removeFolder } from "../src/folder/remove-folder.ts";
import { writeFolder } from "../src/folder/write-folder.ts";

const [folder = "/usr/share", where = tmpdir()] = process.argv.slice(2);
const scratch = mkdtempSync(join(where, "tsbuild-bench-"));
const copy = join(scratch, "copy");

const print = (what: string, clockMs: number, cpuMs: number) =>
  process.stdout.write(
    `${what.padEnd(28)}${(clockMs / 1000).toFixed(2)} s, processor ${(cpuMs / 1000).toFixed(2)} s\n`,
  );

async function measure<T>(what: string, action: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const before = process.cpuUsage();
  const result = await action();
  const { user, system } = process.cpuUsage(before);
  print(what, performance.now() - start, (user + system) / 1000);
  return result;
}

function measureShell(what: string, command: string): void {
  const start = performance.now();
  const { status, stdout } = spawnSync("bash", ["-ec", `${command}; times`, "bash", folder, copy], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(command);
  // The second line of `times` is that of the children.
  const [, children = ""] = stdout.trim().split("\n");
  let cpuMs = 0;
  for (const [, minutes, seconds] of children.matchAll(/(\d+)m([\d.]+)s/g)) {
    cpuMs += Number(minutes) * 60_000 + Number(seconds) * 1000;
  }
  print(what, performance.now() - start, cpuMs);
}

try {
  await measure("readFolder", () => readFolder(folder));
  const tree = await measure("readFolder again", () => readFolder(folder));
  let entries = 0;
  let bytes = 0;
  for (const { node } of tree.walk()) {
    entries++;
    if (node.type === "file") bytes += node.sizeBytes;
  }
  process.stdout.write(`${entries} entries, ${(bytes / 1e6).toFixed(0)} MB\n`);
  measureShell("cp -a", 'cp -a "$1" "$2"');
  measureShell("rm -rf", 'rm -rf "$2"');
  measureShell("tar | tar x", 'mkdir "$2"; tar -C "$1" -cf - . | tar -C "$2" -xpf -');
  await measure("removeFolder", () => removeFolder(copy));
  await measure("writeFolder", () => writeFolder(tree, copy));
  await measure("writeFolder, no change", () => writeFolder(tree, copy, { previous: tree }));
} finally {
  await removeFolder(scratch);
}

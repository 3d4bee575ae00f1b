import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { TreeList } from "./list-tree.ts";

/** Where siftool, not our own reader, says that the file system of an image begins. */
export async function fileSystemOffset(image: string): Promise<number> {
  const { stdout } = await execa("siftool", ["list", image]);
  const row = stdout.split("\n").find((line) => line.includes("FS (Squashfs/"));
  const start = /\|(\d+)-\d+\s*\|/.exec(row ?? "")?.[1];
  if (start === undefined) throw new Error(`no file system in ${image}:\n${stdout}`);
  return Number(start);
}

/**
 * Everything in an image's file system as the kernel shows it, mounted for as long as this takes in a namespace that
 * nobody else sees. Needs root and a loop device.
 */
export async function listImage(image: string): Promise<TreeList> {
  const offset = await fileSystemOffset(image);
  const folder = await mkdtemp(join(tmpdir(), "list-image-"));
  const output = join(folder, "list.json");
  try {
    await execa("unshare", [
      "--mount",
      "--propagation=private",
      "sh",
      "-ec",
      'mkdir "$1/mnt"; mount -t squashfs -o "ro,loop,offset=$2" "$3" "$1/mnt"; shift 3; exec "$@"',
      "sh",
      folder,
      String(offset),
      image,
      process.execPath,
      join(import.meta.dirname, "list-tree.ts"),
      join(folder, "mnt"),
      output,
    ]);
    return JSON.parse(readFileSync(output, "utf8")) as TreeList;
  } finally {
    await rm(folder, { recursive: true });
  }
}

import { mkdtemp, rmdir } from "node:fs/promises";
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
  const script =
    'mount -t squashfs -o "ro,loop,offset=$2" "$3" "$1"; folder=$1; shift 3; exec "$@" "$folder"';
  const mounted = ["unshare", "--mount", "--propagation=private", "sh", "-ec", script];
  try {
    return await list([...mounted, "sh", folder, String(offset), image, ...lister]);
  } finally {
    await rmdir(folder);
  }
}

/** Everything in a folder. */
export function listFolder(folder: string): Promise<TreeList> {
  return list([...lister, folder]);
}

const lister = [process.execPath, join(import.meta.dirname, "list-tree.ts")];

async function list([program = "", ...words]: readonly string[]): Promise<TreeList> {
  const { stdout } = await execa(program, words, { maxBuffer: 1 << 29, encoding: "latin1" });
  return JSON.parse(stdout) as TreeList;
}

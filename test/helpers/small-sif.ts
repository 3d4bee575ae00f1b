import { readFile } from "node:fs/promises";
import { packSif } from "../../src/packer/pack-sif.ts";
import { nastyTree } from "./nasty-tree.ts";

/** Writes a SIF file of a few kilobytes with a nasty tree in it, and gives its bytes, which are always the same. */
export async function writeSmallSif(file: string): Promise<Buffer> {
  await packSif(nastyTree(), file, {
    definition: Buffer.from("Bootstrap: scratch\n"),
    objects: [],
    architecture: "amd64",
    timeSeconds: 1,
    uuid: "from-content",
    compression: { name: "gzip", level: 1 },
    force: false,
  });
  return readFile(file);
}

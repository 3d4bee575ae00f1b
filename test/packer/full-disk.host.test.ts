import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../../src/model/error.ts";
import { packSif } from "../../src/packer/pack-sif.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { hostTest } from "../helpers/tool.ts";

hostTest(
  "root",
  process.geteuid?.() === 0,
  "a full disk and one that is read-only are told, and nothing is left on them",
  async (t) => {
    const disk = join(await scratch(t), "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    t.teardown(() => execFileSync("umount", [disk]));
    const target = join(disk, "image.sif");
    writeFileSync(target, "old");
    const tree = new FileTree();
    const bytes = randomBytes(3_000_000);
    tree.put("noise", {
      ...textFile(""),
      sizeBytes: bytes.length,
      content: { kind: "bytes", bytes },
    });
    const pack = () =>
      packSif(tree, target, {
        definition: Buffer.from("Bootstrap: scratch\n"),
        objects: [],
        architecture: "amd64",
        timeSeconds: 0,
        uuid: "random",
        compression: { name: "gzip", level: 1 },
        force: true,
        workers: 2,
      });
    const full = await t.throwsAsync(pack, { instanceOf: HostError });
    t.is(full.code, "host/no-space");
    t.true(full.message.includes(target));
    t.is(readFileSync(target, "utf8"), "old");
    t.deepEqual(readdirSync(disk), ["image.sif"]);
    execFileSync("mount", ["-o", "remount,ro", disk]);
    const readOnly = await t.throwsAsync(pack, { instanceOf: HostError });
    t.is(readOnly.code, "host/not-writable");
  },
);

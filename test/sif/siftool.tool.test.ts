import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { balanced } from "../../src/squashfs/compression.ts";
import { packSif } from "../../src/packer/pack-sif.ts";
import { describeHeader, describeObject, describeObjects } from "../../src/sif/describe.ts";
import { partitionInfo } from "../../src/sif/descriptor.ts";
import { SifFile } from "../../src/sif/sif-file.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

const run = (...words: string[]) => execFileSync("siftool", words, { encoding: "utf8" });

toolTest(["siftool"], "siftool reads images of ours", async (t) => {
  const folder = await scratch(t);
  const path = join(folder, "image.sif");
  const definition = "Bootstrap: scratch\n";
  const packed = await packSif(nastyTree(), path, {
    definition: Buffer.from(definition),
    objects: [
      { name: "oci-config.json", bytes: Buffer.from("{}") },
      { name: "inspect-metadata.json", bytes: Buffer.from('{"a":1}') },
      { name: "empty.json", bytes: Buffer.alloc(0) },
    ],
    architecture: "arm64",
    timeSeconds: 1_700_000_000,
    uuid: "from-content",
    compression: balanced,
    force: false,
    workers: 1,
  });
  const list = run("list", path);
  t.regex(list, /1 +\|1 +\|NONE +\|32176-32195 +\|Def\.FILE/);
  t.regex(list, /2 +\|1 +\|NONE +\|32195-32202 +\|JSON\.Generic/);
  t.regex(list, /3 +\|1 +\|NONE +\|32202-32204 +\|JSON\.Generic/);
  t.regex(list, /4 +\|1 +\|NONE +\|32768-\d+ +\|FS \(Squashfs\/\*System\/arm64\)/);
  const header = run("header", path);
  t.regex(header, /Primary Architecture: arm64/);
  t.true(header.includes(packed.uuid), header);
  t.regex(header, /Created At: +2023-11-14 22:13:20/);
  t.regex(header, /Descriptors Free: +44/);
  t.is(run("dump", "1", path), definition);
  t.is(run("dump", "2", path), '{"a":1}');
  t.regex(run("info", "2", path), /Name: +inspect-metadata\.json/);
  const partition = execFileSync("siftool", ["dump", "4", path], { maxBuffer: 1 << 28 });
  t.deepEqual(partition, readFileSync(path).subarray(32768));
});

toolTest(["siftool"], "images that siftool made and changed are read", async (t) => {
  const folder = await scratch(t);
  const path = join(folder, "image.sif");
  const file = join(folder, "file");
  writeFileSync(file, "some text\n");
  run("new", path);
  run("add", "--datatype", "1", "--filename", "one", path, file);
  run("add", "--datatype", "6", "--groupid", "7", "--filename", "two", path, file);
  run("add", "--datatype", "4", "--parttype", "1", "--partfs", "1", "--partarch", "2", path, file);
  run("setprim", "3", path);
  run("del", "1", path);
  await using sif = await SifFile.read(path);
  t.deepEqual(
    sif.objects.map(({ id, type, name, group }) => ({ id, type, name, group })),
    [
      { id: 2, type: 0x4006, name: "two", group: 7 },
      { id: 3, type: 0x4004, name: "", group: undefined },
    ],
  );
  const partition = sif.primaryPartition();
  t.is(partitionInfo(partition)?.kind, 2);
  t.is((await sif.readObject(partition)).toString(), "some text\n");
});

toolTest(["siftool"], "what an image is made of is told in siftool's words", async (t) => {
  const path = join(await scratch(t), "image.sif");
  // An object of every type that siftool 2.8.3 knows, as siftool itself wrote them.
  const vectors = JSON.parse(
    readFileSync(new URL("vectors.json", import.meta.url), "utf8"),
  ) as Readonly<{
    builtImage: { header: { hex: string } };
    encodings: { hex: string }[];
  }>;
  const bytes = Buffer.alloc(40_000);
  bytes.write(vectors.builtImage.header.hex, 0, "hex");
  const known = vectors.encodings.slice(0, 9);
  for (const [index, { hex }] of known.entries()) bytes.write(hex, 4096 + 585 * index, "hex");
  // One in no group that belongs to a group.
  bytes.writeUInt32LE(0xf000_0000, 4096 + 585 * 6 + 9);
  bytes.writeUInt32LE(0xf000_0001, 4096 + 585 * 6 + 13);
  bytes.writeBigInt64LE(BigInt(48 - known.length), 80);
  writeFileSync(path, bytes);
  await using sif = await SifFile.read(path);
  t.is(describeHeader(sif.header), run("header", path));
  t.is(describeObjects(sif.objects), run("list", path));
  for (const object of sif.objects) {
    t.is(describeObject(object), run("info", String(object.id), path));
  }
});

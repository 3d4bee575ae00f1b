import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { decodeArchitecture, encodeArchitecture } from "../../src/sif/architecture.ts";
import { decodeDescriptor, encodeDescriptor, partitionInfo } from "../../src/sif/descriptor.ts";
import { objectTypes } from "../../src/sif/format.ts";
import { decodeHeader, encodeHeader } from "../../src/sif/header.ts";
import { SifFile } from "../../src/sif/sif-file.ts";
import { formatUuid, randomUuid, uuidOfHash } from "../../src/sif/uuid.ts";
import { writeSif } from "../../src/sif/write.ts";
import { readSquashfs } from "../../src/squashfs/read.ts";
import { scratch } from "../helpers/scratch.ts";

// Headers, descriptors and an image that Apptainer 1.4.5 wrote or accepted. Trailing zeros are left out.
interface DescriptorVector {
  readonly hex: string;
  readonly fields: {
    readonly dataType: number;
    readonly id: number;
    readonly groupIdRaw: string;
    readonly linkedIdRaw: string;
    readonly offset: number;
    readonly size: number;
    readonly sizeWithPadding: number;
    readonly createdAt: number;
    readonly modifiedAt: number;
    readonly name: string;
    readonly extraHexTrimmed: string;
  };
}

interface HeaderVector {
  readonly hex: string;
  readonly fields: {
    readonly launchScript: string;
    readonly uuid: string;
    readonly createdAt: number;
    readonly modifiedAt: number;
    readonly descriptorsFree: number;
    readonly descriptorsTotal: number;
    readonly descriptorsOffset: number;
    readonly descriptorsSize: number;
    readonly dataOffset: number;
    readonly dataSize: number;
  };
}

const vectors = JSON.parse(
  readFileSync(new URL("vectors.json", import.meta.url), "utf8"),
) as Readonly<{
  deterministicImage: {
    header: HeaderVector;
    descriptors: DescriptorVector[];
    fileSize: number;
    sha256: string;
    segments: { offset: number; hex: string }[];
  };
  builtImage: { header: HeaderVector; descriptors: DescriptorVector[] };
  encodings: DescriptorVector[];
}>;

const full = (hex: string, length: number) =>
  Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(length)]).subarray(0, length);

for (const { hex, fields } of [vectors.deterministicImage.header, vectors.builtImage.header]) {
  test(`a header of ${fields.createdAt} decodes, and encodes to the same bytes`, (t) => {
    const header = decodeHeader(Buffer.from(hex, "hex"), "image");
    t.is(header.launchScript, fields.launchScript);
    t.is(header.uuid.toString("hex"), fields.uuid);
    t.is(header.createdSeconds, fields.createdAt);
    t.is(header.modifiedSeconds, fields.modifiedAt);
    t.is(header.freeSlots, fields.descriptorsFree);
    t.is(header.slots, fields.descriptorsTotal);
    t.is(header.descriptorsOffset, fields.descriptorsOffset);
    t.is(header.descriptorsBytes, fields.descriptorsSize);
    t.is(header.dataOffset, fields.dataOffset);
    t.is(header.dataBytes, fields.dataSize);
    t.is(decodeArchitecture(header.architectureCode), "amd64");
    t.is(encodeHeader(header).toString("hex"), hex);
  });
}

const all = [
  ...vectors.deterministicImage.descriptors,
  ...vectors.builtImage.descriptors,
  ...vectors.encodings,
];

for (const [index, { hex, fields }] of all.entries()) {
  test(`descriptor ${index} (type ${fields.dataType}) decodes, and encodes to the same bytes`, (t) => {
    const bytes = full(hex, 585);
    const object = decodeDescriptor(bytes);
    if (object === undefined) throw new Error("not used");
    t.is(object.type, fields.dataType);
    t.is(object.id, fields.id);
    t.is(object.group, Number(fields.groupIdRaw) % 0x1000_0000 || undefined);
    const link = Number(fields.linkedIdRaw);
    t.is(object.link?.id, link % 0x1000_0000 || undefined);
    t.is(object.link?.kind, link === 0 ? undefined : link >= 0xf000_0000 ? "group" : "object");
    t.is(object.offset, fields.offset);
    t.is(object.sizeBytes, fields.size);
    t.is(object.sizeWithPaddingBytes, fields.sizeWithPadding);
    t.is(object.createdSeconds, fields.createdAt);
    t.is(object.modifiedSeconds, fields.modifiedAt);
    t.is(object.name, fields.name);
    t.deepEqual(object.extra, full(fields.extraHexTrimmed, 384));
    t.deepEqual(encodeDescriptor(object), bytes);
  });
}

const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");

/** The image of the vectors, as a file. */
async function deterministicImage(folder: string): Promise<string> {
  const bytes = Buffer.alloc(vectors.deterministicImage.fileSize);
  for (const { offset, hex } of vectors.deterministicImage.segments)
    bytes.write(hex, offset, "hex");
  const path = join(folder, "vector.sif");
  await writeFile(path, bytes);
  return path;
}

test("an image of Apptainer's is read, and written again byte for byte", async (t) => {
  const folder = await scratch(t);
  const path = await deterministicImage(folder);
  t.is(digest(path), vectors.deterministicImage.sha256);
  await using sif = await SifFile.read(path);
  t.is(sif.architecture, "amd64");
  const partition = sif.primaryPartition();
  t.deepEqual(partitionInfo(partition), { fileSystem: 1, kind: 2, architecture: "amd64" });
  const tree = await readSquashfs(sif.file, partition.offset, partition.sizeBytes);
  t.is(tree.get("bin/hello")?.type, "file");
  const metadata = sif.objectNamed("inspect-metadata.json");
  if (metadata === undefined) throw new Error("no metadata");
  t.is((await sif.readObject(metadata)).toString(), "{}");

  const again = join(folder, "again.sif");
  const file = await open(again, "w+");
  await writeSif(
    file,
    [
      {
        kind: "bytes",
        type: objectTypes.definition,
        name: "",
        bytes: await sif.readObject(sif.objectById(1)),
      },
      {
        kind: "bytes",
        type: objectTypes.json,
        name: "inspect-metadata.json",
        bytes: Buffer.from("{}"),
      },
      {
        kind: "root",
        write: async (to, offset) => {
          const bytes = await sif.readObject(partition);
          await to.write(bytes, 0, bytes.length, offset);
          return bytes.length;
        },
      },
    ],
    { architecture: "amd64", timeSeconds: -62135596800, uuid: Buffer.alloc(16) },
  );
  await file.close();
  t.is(digest(again), vectors.deterministicImage.sha256);
});

test("architectures have codes, and what has none is unknown", (t) => {
  for (const [name, code] of [
    ["386", "01"],
    ["amd64", "02"],
    ["arm64", "04"],
    ["loong64", "13"],
    ["sparc64", "00"],
    ["toString", "00"],
  ] as const) {
    t.is(encodeArchitecture(name).toString("latin1"), `${code}\0`);
  }
  t.is(decodeArchitecture(Buffer.from("04\0")), "arm64");
  t.is(decodeArchitecture(Buffer.from("amd")), undefined);
  t.is(decodeArchitecture(Buffer.from("00\0")), undefined);
});

test("a UUID is random, or follows from what is in the image", (t) => {
  const digest = createHash("sha256").update("content").digest();
  const uuid = uuidOfHash(digest);
  t.deepEqual(uuidOfHash(digest), uuid);
  t.notDeepEqual(uuidOfHash(createHash("sha256").update("other").digest()), uuid);
  t.regex(
    formatUuid(uuid),
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  t.regex(formatUuid(randomUuid()), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
  t.notDeepEqual(randomUuid(), randomUuid());
});

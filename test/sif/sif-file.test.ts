import { readFileSync } from "node:fs";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import { FormatError, HostError, TsbuildError } from "../../src/model/error.ts";
import { fileSystems, objectTypes, partitionKinds } from "../../src/sif/format.ts";
import { SifFile } from "../../src/sif/sif-file.ts";
import { writeSif, type NewObject } from "../../src/sif/write.ts";
import { scratch } from "../helpers/scratch.ts";

const root: NewObject = {
  kind: "root",
  write: async (file, offset) => {
    await file.write(Buffer.alloc(4096, "r"), 0, 4096, offset);
    return 4096;
  },
};
const text = (name: string, bytes: string): NewObject => ({
  kind: "bytes",
  type: objectTypes.json,
  name,
  bytes: Buffer.from(bytes),
});

async function image(
  t: ExecutionContext,
  objects: readonly NewObject[],
  launchScript?: string,
): Promise<string> {
  const path = join(await scratch(t), "image.sif");
  const file = await open(path, "w+");
  t.teardown(() => file.close());
  await writeSif(file, objects, {
    architecture: "arm64",
    timeSeconds: 1,
    uuid: "from-content",
    launchScript,
  });
  return path;
}

/** Changes an image's bytes and says with which code reading it fails, its root included. */
async function codeAfter(t: ExecutionContext, change: (bytes: Buffer) => Buffer): Promise<string> {
  const path = await image(t, [text("a", "{}"), root]);
  await writeFile(path, change(readFileSync(path)));
  const read = async () => {
    await using sif = await SifFile.read(path);
    sif.primaryPartition();
  };
  return (await t.throwsAsync(read, { instanceOf: FormatError })).code;
}

const slot = (index: number) => 4096 + 585 * index;

const withFileSystem = (type: number) => (bytes: Buffer) => {
  bytes.writeInt32LE(type, slot(1) + 201);
  return bytes;
};

test("what is written is read", async (t) => {
  const path = await image(t, [text("", "Bootstrap: x\n"), text("b.json", "[1]"), root], "#!run\n");
  await using sif = await SifFile.read(path);
  t.is(sif.header.launchScript, "#!run\n");
  t.is(sif.architecture, "arm64");
  t.is(sif.header.freeSlots, 45);
  t.deepEqual(
    sif.objects.map(({ id, group, offset, sizeBytes }) => ({ id, group, offset, sizeBytes })),
    [
      { id: 1, group: 1, offset: 32176, sizeBytes: 13 },
      { id: 2, group: 1, offset: 32189, sizeBytes: 3 },
      { id: 3, group: 1, offset: 32768, sizeBytes: 4096 },
    ],
  );
  t.is(sif.header.dataBytes, 32768 + 4096 - 32176);
  const found = sif.objectNamed("b.json");
  t.is(found === undefined ? "" : (await sif.readObject(found)).toString(), "[1]");
  const pieces: Buffer[] = [];
  for await (const piece of sif.streamObject(sif.primaryPartition())) pieces.push(piece);
  t.deepEqual(Buffer.concat(pieces), Buffer.alloc(4096, "r"));
  const error = t.throws(() => sif.objectById(9), { instanceOf: FormatError });
  t.is(error.code, "sif/no-object");
  const big = sif.readObject(sif.primaryPartition(), 100);
  t.is((await t.throwsAsync(big, { instanceOf: FormatError })).code, "sif/too-big");
});

test("images that can't be used say why", async (t) => {
  t.is(await codeAfter(t, (bytes) => bytes.subarray(0, 100)), "sif/not-sif");
  t.is(await codeAfter(t, (bytes) => bytes.fill(0, 32, 42)), "sif/not-sif");
  t.is(await codeAfter(t, (bytes) => bytes.fill("99", 42, 44)), "sif/not-sif");
  t.is(await codeAfter(t, (bytes) => bytes.subarray(0, 9000)), "sif/damaged");
  t.is(await codeAfter(t, (bytes) => bytes.subarray(0, -1)), "sif/damaged");
  t.is(
    await codeAfter(t, (bytes) => (bytes.writeBigInt64LE(2n ** 50n, slot(1) + 25), bytes)),
    "sif/damaged",
  );
  t.is(await codeAfter(t, (bytes) => (bytes.writeBigInt64LE(-1n, 88), bytes)), "sif/damaged");
  t.is(await codeAfter(t, (bytes) => (bytes.writeBigInt64LE(2n ** 40n, 88), bytes)), "sif/damaged");
  t.is(await codeAfter(t, (bytes) => bytes.fill(0, slot(1), slot(2))), "sif/no-root");
  t.is(
    await codeAfter(t, (bytes) => (bytes.copyWithin(slot(0), slot(1), slot(2)), bytes)),
    "sif/no-root",
  );
  t.is(await codeAfter(t, withFileSystem(fileSystems.encryptedSquashfs)), "sif/encrypted");
  t.is(await codeAfter(t, withFileSystem(fileSystems.gocryptfsSquashfs)), "sif/encrypted");
  t.is(await codeAfter(t, withFileSystem(fileSystems.ext3)), "sif/not-squashfs");
  t.is(
    await codeAfter(
      t,
      (bytes) => (bytes.writeInt32LE(partitionKinds.overlay, slot(1) + 205), bytes),
    ),
    "sif/no-root",
  );
  t.is(
    await codeAfter(t, (bytes) => (bytes.writeInt32LE(objectTypes.ociRootIndex, slot(0)), bytes)),
    "sif/oci-sif",
  );
  const missing = SifFile.read("/nowhere/image.sif");
  t.is((await t.throwsAsync(missing, { instanceOf: HostError })).code, "host/file-unreadable");
});

test("images of old and other tools are read", async (t) => {
  const path = await image(t, [text("a", "{}"), root]);
  const bytes = readFileSync(path);
  // Ids in another order, an architecture in letters, a table of two slots, owners.
  bytes.writeUInt32LE(12, slot(0) + 5);
  bytes.writeUInt32LE(11, slot(1) + 5);
  bytes.write("amd", slot(1) + 201 + 8);
  bytes.writeBigInt64LE(2n, 88);
  bytes.writeBigInt64LE(1170n, 104);
  bytes.writeBigInt64LE(1000n, slot(1) + 57);
  await writeFile(path, bytes);
  await using sif = await SifFile.read(path);
  t.is(sif.primaryPartition().id, 11);
  t.is(sif.primaryPartition().uid, 1000);
  t.is(sif.objectById(12).name, "a");
});

test("what an image can't hold is refused", async (t) => {
  const codeOf = async (objects: readonly NewObject[], script?: string) =>
    (await t.throwsAsync(image(t, objects, script), { instanceOf: FormatError })).code;
  const many = Array.from({ length: 49 }, (_, index) => text(`${index}`, "x"));
  t.is(await codeOf(many), "sif/limit");
  t.is(await codeOf([text("n".repeat(129), "x")]), "sif/limit");
  t.is(await codeOf([root], `#!${"x".repeat(30)}`), "sif/limit");
  await t.notThrowsAsync(image(t, [...many.slice(0, 47), root]));
  await t.notThrowsAsync(image(t, [text("n".repeat(128), "x")]));
});

test("an image that was not finished has no magic number", async (t) => {
  const path = join(await scratch(t), "image.sif");
  const file = await open(path, "w+");
  t.teardown(() => file.close());
  const failing: NewObject = { kind: "root", write: () => Promise.reject(new Error("stop")) };
  await t.throwsAsync(
    writeSif(file, [text("a", "{}"), failing], {
      architecture: "amd64",
      timeSeconds: 0,
      uuid: "random",
    }),
    { message: "stop" },
  );
  await t.throwsAsync(SifFile.read(path), { instanceOf: FormatError });
});

test("damaged images give errors of ours", async (t) => {
  const path = await image(t, [text("a", "{}"), root]);
  const original = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.tuple(
          fc.oneof(fc.nat({ max: 127 }), fc.integer({ min: 4096, max: slot(3) })),
          fc.nat(255),
        ),
        { minLength: 1, maxLength: 4 },
      ),
      async (changes) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        await writeFile(path, bytes);
        try {
          await using sif = await SifFile.read(path);
          for (const object of sif.objects) await sif.readObject(object);
          sif.primaryPartition();
        } catch (error) {
          t.true(error instanceof TsbuildError, String(error));
        }
      },
    ),
    { numRuns: 300 },
  );
});

import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { writeFolder } from "../../src/folder/write-folder.ts";
import { descriptorsOffset, fileSystems, objectTypes } from "../../src/sif/format.ts";
import { writeSif, type NewObject } from "../../src/sif/write.ts";
import { localImageSource } from "../../src/source/localimage.ts";
import type { SourceContext } from "../../src/source/source.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { nastyTree } from "../helpers/nasty-tree.ts";
import { open as openImage, openFails } from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { hostTest } from "../helpers/tool.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const isRoot = process.geteuid?.() === 0;

/** Everything that mksquashfs can hold: no times before 1970, no symlinks with several names. */
function rightTree(): FileTree {
  const tree = nastyTree();
  tree.remove("etc/old");
  tree.remove("bin/link-b");
  return tree;
}

/** A folder with all that in it. */
async function rootFolder({ folder }: SourceContext): Promise<string> {
  await writeFolder(rightTree(), join(folder, "rootfs"));
  return join(folder, "rootfs");
}

async function sameAsFolder(t: ExecutionContext, from: string, context: SourceContext) {
  const base = await openImage(t, localImageSource, from, context);
  t.is(base.kind, "image");
  const wanted = await treeEntries(rightTree());
  t.is(describeDifferences(compareTrees(await treeEntries(base.tree), wanted)), "");
  return base;
}

const partition = (bytes: Buffer): NewObject => ({
  kind: "root",
  write: async (file, offset) => (await file.write(bytes, 0, bytes.length, offset)).bytesWritten,
});

const text = (name: string, content: string): NewObject => ({
  kind: "bytes",
  type: objectTypes.json,
  name,
  bytes: Buffer.from(content),
});

async function makeSif(file: string, objects: readonly NewObject[]): Promise<void> {
  await using handle = await open(file, "w+");
  await writeSif(handle, objects, { architecture: "amd64", timeSeconds: 1, uuid: "from-content" });
}

hostTest("root", isRoot, "a folder is a base as it is", async (t) => {
  const context = await sourceContext(t);
  await rootFolder(context);
  await sameAsFolder(t, "rootfs", context);
  await sameAsFolder(t, join(context.folder, "rootfs/"), context);
  symlinkSync("rootfs", join(context.folder, "link"));
  await sameAsFolder(t, "link", context);
});

hostTest("root, mksquashfs", isRoot, "a SquashFS file is a base as it is", async (t) => {
  const context = await sourceContext(t);
  const folder = await rootFolder(context);
  execFileSync("mksquashfs", [
    folder,
    join(context.folder, "x.squashfs"),
    "-quiet",
    "-no-progress",
  ]);
  await sameAsFolder(t, "x.squashfs", context);
});

for (const [what, object] of [
  ["", undefined],
  [" and keeps its OCI configuration", '{"Env":["A=b"]}'],
] as const) {
  hostTest("root, mksquashfs", isRoot, `a SIF file is a base as it is${what}`, async (t) => {
    const context = await sourceContext(t);
    const folder = await rootFolder(context);
    const squashfs = join(context.folder, "x.squashfs");
    execFileSync("mksquashfs", [folder, squashfs, "-quiet", "-no-progress"]);
    const config = object === undefined ? [] : [text("oci-config.json", object)];
    await makeSif(join(context.folder, "x.sif"), [...config, partition(readFileSync(squashfs))]);
    const base = await sameAsFolder(t, "x.sif", context);
    t.deepEqual(base.ociConfig, object === undefined ? undefined : { Env: ["A=b"] });
  });
}

test("what is no image is told as such", async (t) => {
  const context = await sourceContext(t);
  const at = (name: string) => join(context.folder, name);
  writeFileSync(at("text.def"), "Bootstrap: scratch\n");
  writeFileSync(at("empty"), "");
  for (const name of ["text.def", "empty"]) {
    const error = await openFails(t, localImageSource, name, context, "source/not-an-image");
    t.true(error.message.includes(name));
  }
  writeFileSync(at("cut.squashfs"), Buffer.concat([Buffer.from("hsqs"), Buffer.alloc(50)]));
  await t.throwsAsync(localImageSource.open(new Map([["from", "cut.squashfs"]]), context));
});

test("what is not there, or is no file, is told", async (t) => {
  const context = await sourceContext(t);
  const error = await openFails(t, localImageSource, "nothing.sif", context, "source/not-found");
  t.true(error.hint?.includes(context.folder));
  execFileSync("mkfifo", [join(context.folder, "pipe")]);
  await openFails(t, localImageSource, "pipe", context, "source/not-an-image");
});

test("images that can't be read are told by what they are", async (t) => {
  const context = await sourceContext(t);
  for (const [name, fileSystem, code] of [
    ["encrypted.sif", fileSystems.encryptedSquashfs, "sif/encrypted"],
    ["raw.sif", 99, "sif/not-squashfs"],
  ] as const) {
    const file = join(context.folder, name);
    await makeSif(file, [partition(Buffer.alloc(4096))]);
    const bytes = readFileSync(file);
    // The first object's kind of file system, in what a descriptor says about a partition.
    bytes.writeInt32LE(fileSystem, descriptorsOffset + 201);
    writeFileSync(file, bytes);
    await openFails(t, localImageSource, name, context, code);
  }
});

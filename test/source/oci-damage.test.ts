import { copyFile, readFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import { dockerArchiveSource } from "../../src/source/docker-archive.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import { ociSource } from "../../src/source/oci.ts";
import {
  blob,
  dockerArchiveFiles,
  image,
  layer,
  sha256,
  tarOf,
  writeFiles,
} from "../helpers/oci-image.ts";
import {
  layoutOf,
  lower,
  open,
  openFails,
  plain,
  upper,
  usual,
  usualTexts,
} from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { entry } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

const change = async (file: string, at: number) => {
  const bytes = await readFile(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
};

for (const [which, one] of [
  ["a layer", lower.blob],
  ["a zstd layer", upper.blob],
  ["a plain layer", plain.blob],
  ["the configuration", usual.config],
  ["the manifest", usual.manifest],
] as const) {
  for (const [where, at] of [
    ["at its start", 1],
    ["in the middle", Math.floor(one.size / 2)],
    ["at its end", one.size - 1],
  ] as const) {
    test(`${which} with a changed bit ${where} is noticed`, async (t) => {
      const context = await sourceContext(t);
      await writeFiles(join(context.folder, "img"), layoutOf(usual));
      const file = join(context.folder, "img", "blobs", one.digest.replace(":", "/"));
      await change(file, at);
      const error = await openFails(t, ociSource, "img", context, "source/digest-mismatch");
      t.true(error.message.includes(one.digest));
    });
  }

  test(`${which} that is too short, too long or missing is noticed`, async (t) => {
    const context = await sourceContext(t);
    const folder = join(context.folder, "img");
    await writeFiles(folder, layoutOf(usual));
    const file = join(folder, "blobs", one.digest.replace(":", "/"));
    await truncate(file, one.size - 1);
    await openFails(t, ociSource, "img", context, "source/digest-mismatch");
    await truncate(file, one.size + 1);
    await openFails(t, ociSource, "img", context, "source/digest-mismatch");
    await rm(file);
    await openFails(t, ociSource, "img", context, "source/not-found");
  });
}

test("a layer that is not what the configuration lists is noticed", async (t) => {
  const context = await sourceContext(t);
  const liar = image([lower], { diffIds: [sha256(upper.tar)] });
  await writeFiles(join(context.folder, "img"), layoutOf(liar));
  const error = await openFails(t, ociSource, "img", context, "source/diffid-mismatch");
  t.true(error.message.includes(sha256(lower.tar)));
  const short = image([lower], { diffIds: [] });
  await writeFiles(join(context.folder, "short"), layoutOf(short));
  await openFails(t, ociSource, "short", context, "source/bad-manifest");
});

test("a layer whose compression is broken, though its digest is right, is named", async (t) => {
  const context = await sourceContext(t);
  for (const [name, bytes] of [
    ["gzip", gzipSync(lower.tar).subarray(0, -20)],
    ["zstd", zstdCompressSync(lower.tar).subarray(0, -20)],
    ["bzip2", Buffer.from("BZh91AY&SY")],
  ] as const) {
    const one = { tar: lower.tar, blob: blob(bytes, lower.blob.mediaType) };
    await writeFiles(join(context.folder, name), layoutOf(image([one])));
    const error = await openFails(t, ociSource, name, context, "source/layer-damaged");
    t.true(error.message.includes(one.blob.digest));
  }
});

test("a layer that ends in the middle of a file is named", async (t) => {
  const context = await sourceContext(t);
  const cut = layer(entry({ name: "a" }, "x".repeat(5000)).subarray(0, 2000));
  await writeFiles(join(context.folder, "img"), layoutOf(image([cut])));
  const error = await openFails(t, ociSource, "img", context, "tar/truncated");
  t.true(error.message.includes(cut.blob.digest));
});

test("a damaged docker-archive is noticed by the digests of its configuration", async (t) => {
  const context = await sourceContext(t);
  const files = dockerArchiveFiles([{ image: image([plain]), tags: [] }]);
  const tar = tarOf(files);
  tar[tar.indexOf("plain", tar.indexOf("layer.tar"))] = 0x50;
  await writeFile(join(context.folder, "img.tar"), tar);
  const error = await t.throwsAsync<TsbuildError>(
    dockerArchiveSource.open(new Map([["from", "img.tar"]]), context),
  );
  t.true(["source/diffid-mismatch", "tar/checksum"].includes(error.code), error.code);
});

test("an archive that is cut short is said to be", async (t) => {
  const context = await sourceContext(t);
  const tar = tarOf(layoutOf(usual));
  for (const length of [100, 512, 1000, tar.length - 5000]) {
    await writeFile(join(context.folder, "img.tar"), tar.subarray(0, length));
    const error = await t.throwsAsync<TsbuildError>(
      ociArchiveSource.open(new Map([["from", "img.tar"]]), context),
    );
    t.regex(
      error.code,
      /^source\/(?:bad-archive|not-found|not-a-layout|layer-damaged)$/,
      `${length}`,
    );
  }
  await writeFile(join(context.folder, "img.tar.gz"), gzipSync(tar).subarray(0, -100));
  await openFails(t, ociArchiveSource, "img.tar.gz", context, "source/bad-archive");
});

test("contents can be read while the file's name goes to another, and not once it is written to", async (t) => {
  const context = await sourceContext(t);
  const folder = join(context.folder, "img");
  await writeFiles(folder, layoutOf(usual));
  const base = await open(t, ociSource, "img", context);
  const file = join(folder, "blobs", lower.blob.digest.replace(":", "/"));
  await rename(file, `${file}.old`);
  await writeFile(file, "another");
  t.deepEqual(await textsOf(base.tree), usualTexts);
  await copyFile(`${file}.old`, file);
  await utimes(`${file}.old`, 1, 1);
  const error = await t.throwsAsync<TsbuildError>(textsOf(base.tree));
  t.is(error.code, "source/file-changed");
});

test("a build that is interrupted stops reading", async (t) => {
  const controller = new AbortController();
  const context = await sourceContext(t, { signal: controller.signal });
  await writeFiles(join(context.folder, "img"), layoutOf(usual));
  controller.abort(new Error("enough"));
  await t.throwsAsync(ociSource.open(new Map([["from", "img"]]), context), { message: "enough" });
});

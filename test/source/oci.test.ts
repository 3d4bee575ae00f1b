import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { dockerArchiveSource } from "../../src/source/docker-archive.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import { ociSource } from "../../src/source/oci.ts";
import {
  blob,
  image,
  index,
  json,
  layoutFiles,
  textLayer,
  writeFiles,
  type TestImage,
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
import { archive } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

test("a layout folder: layers of all three kinds over each other, and the configuration", async (t) => {
  const context = await sourceContext(t);
  await writeFiles(join(context.folder, "img"), layoutOf(usual));
  const base = await open(t, ociSource, "img", context);
  t.is(base.kind, "oci");
  t.deepEqual(await textsOf(base.tree), usualTexts);
  t.deepEqual(base.ociConfig, { Env: ["A=b"], Cmd: ["x"] });
  const told = context.events.filter((event) => event.type === "progress");
  t.is(new Set(told.map((event) => event.task)).size, 3);
  t.true(told.every(({ done, total }) => done <= (total ?? 0)));
});

test("a layout can be asked for by name, by digest, with colons in its path, and from elsewhere", async (t) => {
  const context = await sourceContext(t);
  const other = image([textLayer({ other: "other" })], { tag: "example.org/other:2" });
  const folder = join(context.folder, "a:b@c");
  await writeFiles(folder, layoutOf(usual, other));
  for (const from of ["a:b@c:v1", `a:b@c@${usual.manifest.digest}`, `${folder}:v1`, "./a:b@c:v1"]) {
    const base = await open(t, ociSource, from, context);
    t.deepEqual(await textsOf(base.tree), usualTexts, from);
  }
  const second = await open(t, ociSource, "a:b@c:example.org/other:2", context);
  t.deepEqual(await textsOf(second.tree), { other: "other" });

  const several = await openFails(t, ociSource, "a:b@c", context, "source/several-images");
  t.regex(several.hint ?? "", /v1, example.org\/other:2/);
  const missing = await openFails(t, ociSource, "a:b@c:v2", context, "source/not-found");
  t.regex(missing.hint ?? "", /v1/);
  await openFails(t, ociSource, `a:b@c@sha256:${"0".repeat(64)}`, context, "source/not-found");
});

test("nested indexes are followed to the platform", async (t) => {
  const context = await sourceContext(t);
  const arm = image([textLayer({ arm: "arm" })], { platform: "linux/arm64/v8" });
  const attestation = {
    ...json(
      { schemaVersion: 2, config: {}, layers: [] },
      "application/vnd.oci.image.manifest.v1+json",
    ),
    platform: { os: "unknown", architecture: "unknown" },
  };
  const inner = index([attestation, arm.manifest, usual.manifest]);
  const outer = index([inner]);
  await writeFiles(
    join(context.folder, "img"),
    layoutFiles([outer], [outer, inner, ...arm.blobs, ...usual.blobs]),
  );
  t.deepEqual(await textsOf((await open(t, ociSource, "img", context)).tree), usualTexts);
  const onArm = {
    ...context,
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  } as const;
  t.deepEqual(await textsOf((await open(t, ociSource, "img", onArm)).tree), { arm: "arm" });
  // A digest may lie deeper than the first level.
  const byDigest = await open(t, ociSource, `img@${arm.manifest.digest}`, context);
  t.deepEqual(await textsOf(byDigest.tree), { arm: "arm" });
  const none = { ...context, platform: { os: "linux", architecture: "riscv64" } } as const;
  const error = await openFails(t, ociSource, "img", none, "source/no-platform");
  t.regex(error.hint ?? "", /linux\/arm64\/v8, linux\/amd64/);
});

test("entries without names and of several platforms are one image", async (t) => {
  const context = await sourceContext(t);
  const arm = image([textLayer({ arm: "arm" })], { platform: "linux/arm64" });
  const amd = image([textLayer({ amd: "amd" })]);
  await writeFiles(join(context.folder, "img"), layoutOf(arm, amd));
  t.deepEqual(await textsOf((await open(t, ociSource, "img", context)).tree), { amd: "amd" });
});

test("an index that holds itself ends", async (t) => {
  const context = await sourceContext(t);
  let inner = index([]);
  const all = [inner];
  for (let depth = 0; depth < 10; depth++) all.unshift((inner = index([inner])));
  await writeFiles(join(context.folder, "img"), layoutFiles([inner], all));
  await openFails(t, ociSource, "img", context, "source/bad-manifest");
});

test("a single image of another platform is used with a warning, and one of another system is not", async (t) => {
  const context = await sourceContext(t);
  const arm = image([textLayer({ arm: "arm" })], { platform: "linux/arm64" });
  await writeFiles(join(context.folder, "arm"), layoutOf(arm));
  await open(t, ociSource, "arm", context);
  const warning = context.events.find((event) => event.type === "warning");
  t.is(warning?.code, "source/platform-mismatch");
  const windows = image([textLayer({ a: "a" })], { platform: "windows/amd64" });
  const { platform: _, ...unstated } = windows.manifest;
  await writeFiles(join(context.folder, "win"), layoutFiles([unstated], windows.blobs));
  await openFails(t, ociSource, "win", context, "source/not-linux");
});

test("what is not there is said so", async (t) => {
  const context = await sourceContext(t);
  for (const source of [ociSource, ociArchiveSource, dockerArchiveSource]) {
    await openFails(t, source, "nope", context, "source/missing-file");
    await openFails(t, source, "nope:1", context, "source/missing-file");
    await openFails(t, source, "", context, "source/missing-from");
    const tilde = await openFails(t, source, "~/img", context, "source/missing-file");
    t.regex(tilde.hint ?? "", /not expanded/);
  }
  await mkdir(join(context.folder, "empty"));
  await writeFile(join(context.folder, "text"), "text");
  await writeFile(join(context.folder, "none.tar"), archive());
  await openFails(t, ociSource, "empty", context, "source/not-a-layout");
  await openFails(t, ociSource, "text", context, "source/not-a-layout");
  await openFails(t, ociArchiveSource, "empty", context, "source/not-an-archive");
  await openFails(t, ociArchiveSource, "text", context, "source/not-a-layout");
  await openFails(t, ociArchiveSource, "none.tar", context, "source/not-a-layout");
  await openFails(t, dockerArchiveSource, "none.tar", context, "source/bad-archive");
});

const odd = (mediaType: string) =>
  image([{ tar: lower.tar, blob: blob(lower.blob.bytes, mediaType) }]);

test("images without layers, of other things, and encrypted ones are refused", async (t) => {
  const context = await sourceContext(t);
  const cases: readonly [string, TestImage, string][] = [
    ["empty", image([]), "source/no-layers"],
    ["sif", odd("application/vnd.sylabs.sif.layer.v1.sif"), "source/no-layers"],
    [
      "mixed",
      image([lower, { tar: upper.tar, blob: blob(upper.blob.bytes, "text/plain") }]),
      "source/layer-type",
    ],
    [
      "secret",
      odd("application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
      "source/layer-encrypted",
    ],
  ];
  for (const [name, made, code] of cases) {
    await writeFiles(join(context.folder, name), layoutOf(made));
    const error = await openFails(t, ociSource, name, context, code);
    if (name === "sif") t.regex(error.hint ?? "", /oras/);
  }
});

test("the bytes of a layer decide how it is compressed, whatever its type says", async (t) => {
  const context = await sourceContext(t);
  const layers = [lower, upper, plain].map((one) => ({
    tar: one.tar,
    blob: blob(one.blob.bytes, "application/vnd.oci.image.layer.v1.tar+gzip"),
  }));
  await writeFiles(join(context.folder, "img"), layoutOf(image(layers)));
  t.deepEqual(await textsOf((await open(t, ociSource, "img", context)).tree), usualTexts);
  const docker = image(layers, { docker: true });
  await writeFiles(join(context.folder, "docker"), layoutOf(docker));
  t.deepEqual(await textsOf((await open(t, ociSource, "docker", context)).tree), usualTexts);
});

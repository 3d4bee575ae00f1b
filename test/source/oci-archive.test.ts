import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import { dockerArchiveSource } from "../../src/source/docker-archive.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import {
  dockerArchiveFiles,
  image,
  index,
  layoutFiles,
  tarOf,
  textLayer,
} from "../helpers/oci-image.ts";
import {
  layoutOf,
  lower,
  open,
  openFails,
  upper,
  usual,
  usualTexts,
} from "../helpers/open-image.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { archive, entry, gnuLong, header, pax } from "../helpers/tar.ts";
import { textsOf } from "../helpers/text-of-tree.ts";

const asArchives: readonly [string, (files: Record<string, Buffer>) => Buffer][] = [
  ["plain", (files) => tarOf(files)],
  ["with ./ before its names", (files) => tarOf({ "": Buffer.alloc(0), ...files }, "./")],
  ["with / before its names", (files) => tarOf(files, "/")],
  ["compressed with gzip", (files) => gzipSync(tarOf(files))],
  ["compressed with zstd", (files) => zstdCompressSync(tarOf(files))],
  [
    "with GNU long names and pax headers",
    (files) =>
      archive(
        pax([["comment", "all"]], "g"),
        ...Object.entries(files).flatMap(([name, bytes], at) =>
          at % 2 === 0
            ? [gnuLong("L", name), entry({ name: "x" }, bytes)]
            : [
                pax([
                  ["path", name],
                  ["mtime", "1.5"],
                ]),
                entry({ name: "x" }, bytes),
              ],
        ),
      ),
  ],
  [
    "with sizes in pax headers",
    (files) =>
      archive(
        ...Object.entries(files).flatMap(([name, bytes]) => [
          pax([["size", String(bytes.length)]]),
          entry({ name, size: 0 }, bytes),
        ]),
      ),
  ],
];

for (const [name, make] of asArchives) {
  test(`an oci-archive ${name}`, async (t) => {
    const context = await sourceContext(t);
    await writeFile(join(context.folder, "img.tar"), make(layoutOf(usual)));
    for (const from of ["img.tar", "img.tar:v1", `img.tar@${usual.manifest.digest}`]) {
      const base = await open(t, ociArchiveSource, from, context);
      t.deepEqual(await textsOf(base.tree), usualTexts, from);
    }
  });

  test(`a docker-archive ${name}`, async (t) => {
    const context = await sourceContext(t);
    const files = dockerArchiveFiles([{ image: usual, tags: ["x:1", "example.org/y:2"] }]);
    await writeFile(join(context.folder, "img.tar"), make(files));
    for (const from of [
      "img.tar",
      "img.tar:x:1",
      "img.tar:docker.io/library/x:1",
      "img.tar:example.org/y:2",
    ]) {
      const base = await open(t, dockerArchiveSource, from, context);
      t.deepEqual(await textsOf(base.tree), usualTexts, from);
      t.deepEqual(base.ociConfig, { Env: ["A=b"], Cmd: ["x"] });
    }
    await openFails(t, dockerArchiveSource, "img.tar:x:2", context, "source/not-found");
  });
}

test("a docker-archive with links between its layers", async (t) => {
  const context = await sourceContext(t);
  const twice = image([lower, lower, upper]);
  const [configName = ""] = Object.keys(dockerArchiveFiles([{ image: twice, tags: [] }]));
  const items = [
    { Config: configName, RepoTags: null, Layers: ["1/layer.tar", "2/layer.tar", "3/layer.tar"] },
  ];
  const tar = archive(
    header({ name: "1/", type: "5" }),
    entry({ name: "1/VERSION" }, "1.0"),
    entry({ name: "1/layer.tar" }, lower.tar),
    header({ name: "2/layer.tar", type: "2", linkName: "../1/layer.tar" }),
    entry({ name: "sha256.tar" }, upper.tar),
    header({ name: "3/layer.tar", type: "1", linkName: "sha256.tar" }),
    entry({ name: configName }, twice.config.bytes),
    entry({ name: "manifest.json" }, JSON.stringify(items)),
  );
  await writeFile(join(context.folder, "img.tar"), tar);
  const base = await open(t, dockerArchiveSource, "img.tar", context);
  t.deepEqual(await textsOf(base.tree), {
    "etc/a": "upper a",
    "etc/big": usualTexts["etc/big"],
    new: "new",
  });
});

const dockerItems = (name: string) =>
  JSON.stringify([{ Config: name, RepoTags: [], Layers: [name] }]);

test("links in an archive that lead nowhere or in a circle end", async (t) => {
  const context = await sourceContext(t);

  for (const [at, link] of ["b", "a", "../../../../etc/passwd"].entries()) {
    const tar = archive(
      header({ name: "a", type: "2", linkName: link }),
      header({ name: "b", type: "2", linkName: "a" }),
      entry({ name: "manifest.json" }, dockerItems("a")),
    );
    await writeFile(join(context.folder, `${at}.tar`), tar);
    await openFails(t, dockerArchiveSource, `${at}.tar`, context, "source/bad-archive");
  }
});

test("a docker-archive with a layout in it, as Docker 25 writes it", async (t) => {
  const context = await sourceContext(t);
  const arm = image([textLayer({ arm: "arm" })], { platform: "linux/arm64" });
  // Docker names platforms whose blobs it doesn't have.
  const list = {
    ...index([arm.manifest, usual.manifest]),
    annotations: {
      "io.containerd.image.name": "docker.io/library/x:1",
      "org.opencontainers.image.ref.name": "1",
    },
  };
  const items = [
    {
      Config: `blobs/${usual.config.digest.replace(":", "/")}`,
      RepoTags: ["x:1"],
      Layers: usual.layers.map((one) => `blobs/${one.blob.digest.replace(":", "/")}`),
    },
  ];
  const files = {
    ...layoutFiles([list], [list, ...usual.blobs]),
    "manifest.json": Buffer.from(JSON.stringify(items)),
  };
  await writeFile(join(context.folder, "img.tar"), tarOf(files));
  for (const from of ["img.tar", "img.tar:x:1", "img.tar:1"]) {
    const base = await open(t, dockerArchiveSource, from, context);
    t.deepEqual(await textsOf(base.tree), usualTexts, from);
  }
  // Of the layout only what was pulled is there: then manifest.json has the word.
  const onArm = { ...context, platform: { os: "linux", architecture: "arm64" } } as const;
  const base = await open(t, dockerArchiveSource, "img.tar", onArm);
  t.deepEqual(await textsOf(base.tree), usualTexts);
  t.true(
    context.events.some(
      (event) => event.type === "warning" && event.code === "source/platform-mismatch",
    ),
  );
});

test("several images in a docker-archive must be told apart", async (t) => {
  const context = await sourceContext(t);
  const other = image([textLayer({ other: "other" })]);
  const files = dockerArchiveFiles([
    { image: usual, tags: ["x:1"] },
    { image: other, tags: ["x:2"] },
  ]);
  await writeFile(join(context.folder, "img.tar"), tarOf(files));
  const error = await openFails(
    t,
    dockerArchiveSource,
    "img.tar",
    context,
    "source/several-images",
  );
  t.regex(error.hint ?? "", /x:1, x:2/);
  for (const name of ["img.tar:x:2", "img.tar:@1"]) {
    const base = await open(t, dockerArchiveSource, name, context);
    t.deepEqual(await textsOf(base.tree), { other: "other" }, name);
  }
  await openFails(t, dockerArchiveSource, "img.tar:@2", context, "source/not-found");
});

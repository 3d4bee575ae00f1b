// The same image through every agent, judged by what umoci unpacks of it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { readContents } from "../../src/contents/read-contents.ts";
import type { FileNode } from "../../src/model/node.ts";
import { dockerArchiveSource } from "../../src/source/docker-archive.ts";
import { dockerSource } from "../../src/source/docker.ts";
import { ociArchiveSource } from "../../src/source/oci-archive.ts";
import { ociSource } from "../../src/source/oci.ts";
import type { FileTree } from "../../src/tree/file-tree.ts";
import {
  compareTrees,
  describeDifferences,
  type AllowedDifference,
} from "../helpers/compare-trees.ts";
import { haveImages, imagesLayout } from "../helpers/images.ts";
import { listTree, type TreeList } from "../helpers/list-tree.ts";
import { listedTree } from "../helpers/listed-tree.ts";
import { image, layer, writeFiles, type LayerKind } from "../helpers/oci-image.ts";
import { layoutOf, open } from "../helpers/open-image.ts";
import { startRegistry } from "../helpers/registry.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { archive, base256, entry, gnuLong, header, pax } from "../helpers/tar.ts";
import { hostTest, isInstalled } from "../helpers/tool.ts";

const startSeconds = Math.floor(Date.now() / 1000);
const timesOfUnpacking: AllowedDifference = {
  why: "umoci gives the time of unpacking to parents that no entry names",
  allows: ({ what, theirs }) => what === "mtimeSeconds" && Number(theirs) >= startSeconds,
};

/** All contents, in the order that a packer would read them. */
async function listed(tree: FileTree): Promise<TreeList> {
  const files = new Set<FileNode>();
  for (const { node } of tree.walk()) if (node.type === "file") files.add(node);
  const parts = new Map<FileNode, Buffer[]>();
  for await (const chunk of readContents([...files])) {
    const list = parts.get(chunk.file) ?? [];
    list.push(chunk.bytes === undefined ? Buffer.alloc(chunk.zeros) : Buffer.from(chunk.bytes));
    parts.set(chunk.file, list);
  }
  return listedTree(tree, (node) => Buffer.concat(parts.get(node) ?? []));
}

const skopeo = (...words: string[]) => execa("skopeo", ["copy", "--quiet", ...words]);
const big = (text: string) => text.repeat(200_000);

const nasty = (kind: LayerKind) =>
  image(
    [
      layer(
        archive(
          header({ name: "./", type: "5", mode: 0o755, mtime: 7 }),
          header({ name: "etc/", type: "5", mode: 0o755, mtime: 5 }),
          entry({ name: "etc/gone", mtime: 5 }, "gone"),
          header({ name: "etc/opaque/", type: "5", mode: 0o750, mtime: 5 }),
          entry({ name: "etc/opaque/old", mtime: 5 }, "old"),
          header({ name: "dir-to-file/", type: "5", mode: 0o755, mtime: 5 }),
          entry({ name: "dir-to-file/below", mtime: 5 }, "below"),
          entry({ name: "file-to-dir", mtime: 5 }, "file"),
          header({ name: "dir-to-link/", type: "5", mode: 0o755, mtime: 5 }),
          entry({ name: "dir-to-link/below", mtime: 5 }, "below"),
          entry({ name: "linked", mtime: 5, mode: 0o4755 }, big("linked")),
          header({ name: "linked-2", type: "1", linkName: "linked", mtime: 5 }),
          header({ name: "usr/lib/", type: "5", mode: 0o755, mtime: 5 }),
          header({ name: "lib", type: "2", linkName: "usr/lib", mtime: 5 }),
        ),
      ),
      layer(
        archive(
          entry({ name: "etc/.wh.gone" }),
          entry({ name: "etc/opaque/new", mtime: 9 }, "new"),
          entry({ name: "etc/opaque/.wh..wh..opq" }),
          entry({ name: "dir-to-file", mtime: 9 }, "now a file"),
          header({ name: "file-to-dir/", type: "5", mode: 0o700, mtime: 9 }),
          entry({ name: "file-to-dir/in", mtime: 9 }, "in"),
          entry({ name: ".wh.dir-to-link" }),
          header({ name: "dir-to-link", type: "2", linkName: "etc", mtime: 9 }),
          header({ name: "linked-3", type: "1", linkName: "linked", mtime: 9 }),
          entry({ name: "lib/through-link", mtime: 9 }, big("through")),
          entry({ name: "/absolute", mtime: 9 }, "absolute"),
          header({ name: "dev/", type: "5", mode: 0o755, mtime: 9 }),
          header({ name: "dev/null", type: "3", mode: 0o666, major: 1, minor: 3, mtime: 9 }),
          header({ name: "dev/sda", type: "4", mode: 0o660, gid: 6, major: 8, minor: 0, mtime: 9 }),
          header({ name: "dev/pipe", type: "6", mode: 0o600, mtime: 9 }),
          entry({ name: Buffer.from("caf\xe9-\xff", "latin1"), mtime: 9 }, "not UTF-8"),
          entry({ name: "big-owner", raw: { 108: base256(4_000_000_000n, 8) }, mtime: 9 }, "owner"),
          pax([
            ["uid", "3000000000"],
            ["SCHILY.xattr.user.bin", Buffer.from([0, 1, 10, 255])],
            [
              "SCHILY.xattr.security.capability",
              Buffer.from("0100000200200000000000000000000000000000", "hex"),
            ],
          ]),
          entry({ name: "capable", mode: 0o755, mtime: 9 }, "capable"),
          pax([["path", `deep/${"p".repeat(200)}/${"q".repeat(250)}`]]),
          entry({ name: "x", mtime: 9 }, "long pax name"),
          gnuLong("L", `deep/${"g".repeat(200)}/${"h".repeat(250)}`),
          gnuLong("K", "t".repeat(300)),
          header({ name: "x", type: "2", linkName: "t", mtime: 9 }),
          header({ name: "tmp/", type: "5", mode: 0o1777, mtime: 9 }),
          header({ name: "empty", mtime: 9 }),
        ),
        kind,
      ),
    ],
    { tag: "v1" },
  );

const tools = ["umoci", "skopeo", "docker-registry", "getfattr", "tar"];

hostTest(
  `root, ${tools.join(", ")}`,
  process.getuid?.() === 0 && tools.every((tool) => isInstalled(tool)),
  "every agent makes of a nasty image what umoci makes of it",
  async (t) => {
    const context = await sourceContext(t);
    const folder = context.folder;
    await writeFiles(join(folder, "img"), layoutOf(nasty("zstd")));
    // Debian's umoci doesn't know zstd.
    await writeFiles(join(folder, "gzip"), layoutOf(nasty("gzip")));
    await execa("umoci", ["raw", "unpack", "--image", `${folder}/gzip:v1`, `${folder}/rootfs`]);
    const theirs = listTree(join(folder, "rootfs"));
    t.true(Object.keys(theirs).length > 25);

    const registry = await startRegistry(t);
    const name = `${registry.host}/a/b:v1`;
    await skopeo("--dest-tls-verify=false", `oci:${folder}/img:v1`, `docker://${name}`);
    await skopeo(`oci:${folder}/img:v1`, `oci-archive:${folder}/oci.tar:v1`);
    await skopeo(`oci:${folder}/gzip:v1`, `docker-archive:${folder}/docker.tar:x:v1`);
    await execa("tar", ["-czf", `${folder}/dot.tar.gz`, "-C", `${folder}/img`, "."]);
    for (const [source, from] of [
      [ociSource, "img"],
      [dockerSource, name],
      [ociArchiveSource, "oci.tar:v1"],
      [ociArchiveSource, "dot.tar.gz"],
      [dockerArchiveSource, "docker.tar:x:v1"],
    ] as const) {
      const base = await open(t, source, from, context);
      const differences = compareTrees(await listed(base.tree), theirs, [timesOfUnpacking]);
      t.is(describeDifferences(differences), "", from);
    }
  },
);

hostTest(
  "root and images",
  haveImages,
  "every agent makes of real images what umoci makes of them",
  async (t) => {
    const context = await sourceContext(t);
    const folder = context.folder;
    const registry = await startRegistry(t);
    for (const tag of ["base", "odd"]) {
      await mkdir(join(folder, tag));
      await execa("umoci", [
        "raw",
        "unpack",
        "--image",
        `${imagesLayout}:${tag}`,
        `${folder}/${tag}/rootfs`,
      ]);
      const theirs = listTree(join(folder, tag, "rootfs"));
      const name = `${registry.host}/real/${tag}:1`;
      await execa("skopeo", [
        "copy",
        "--quiet",
        "--dest-tls-verify=false",
        `oci:${imagesLayout}:${tag}`,
        `docker://${name}`,
      ]);
      await execa("skopeo", [
        "copy",
        "--quiet",
        `oci:${imagesLayout}:${tag}`,
        `docker-archive:${folder}/${tag}.tar:x:1`,
      ]);
      for (const [source, from] of [
        [ociSource, `${imagesLayout}:${tag}`],
        [dockerSource, name],
        [dockerArchiveSource, `${tag}.tar`],
      ] as const) {
        const base = await open(t, source, from, context);
        const differences = compareTrees(await listed(base.tree), theirs, [timesOfUnpacking]);
        t.is(describeDifferences(differences), "", from);
      }
    }
  },
);

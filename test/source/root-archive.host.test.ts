import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import test from "ava";
import type { TsbuildError } from "../../src/model/error.ts";
import { localImageSource } from "../../src/source/localimage.ts";
import { dockerArchiveFiles, image, layoutFiles, tarOf, textLayer } from "../helpers/oci-image.ts";
import { compareTrees } from "../helpers/compare-trees.ts";
import { addedToLayers } from "../helpers/image-layout.ts";
import { listFolder, listImage } from "../helpers/list-image.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { sourceContext } from "../helpers/source-context.ts";
import { hostTest } from "../helpers/tool.ts";

/** Options of tar(1) → the name that people give the archive. */
const kinds: readonly (readonly [options: readonly string[], name: string])[] = [
  [["-c"], "root.tar"],
  [["-cz", "--format=posix", "--xattrs"], "root.tar.gz"],
  [["-cJ"], "root.tar.xz"],
  [["-c", "--zstd"], "root.tar.zst"],
];

hostTest(
  "root, tar, gzip, xz, zstd",
  process.geteuid?.() === 0,
  "an archive of a root file system becomes an image with the same files",
  async (t) => {
    const folder = await scratch(t);
    const box = join(folder, "box");
    await execa("sh", [
      "-ec",
      `mkdir -p "$1/bin" "$1/etc" "$1/dev" "$1/tmp"; cp /bin/busybox "$1/bin/"; ln "$1/bin/busybox" "$1/bin/sh"
      ln -s busybox "$1/bin/ls"; echo hi > "$1/etc/motd"; chmod 1777 "$1/tmp"; chown 7:8 "$1/etc/motd"; mknod "$1/dev/null" c 1 3`,
      "sh",
      box,
    ]);
    for (const [options, name] of kinds) {
      await execa("tar", ["-C", box, ...options, "-f", join(folder, name), "."]);
      const made = `${name}.sif`;
      const built = await runCli(["-q", "build", made, name], folder, {
        HOME: folder,
        TMPDIR: folder,
      });
      t.is(built.exitCode, 0, `${name}: ${built.error?.message}`);
      t.deepEqual(
        compareTrees(
          await listImage(join(folder, made)),
          await listFolder(box),
          addedToLayers,
        ).filter(({ path }) => path !== "dev"),
        [],
        name,
      );
    }
  },
);

test("archives of images and of folders are told, with what to do", async (t) => {
  const context = await sourceContext(t);
  const one = image([textLayer({ "etc/a": "a" })], { tag: "x" });
  const archives = {
    "docker.tar": tarOf(dockerArchiveFiles([{ image: one, tags: ["x:1"] }])),
    "oci.tar": tarOf(layoutFiles([one.manifest], one.blobs)),
    "folder.tar": tarOf({ "rootfs/etc/a": Buffer.from("a") }),
  };
  const hints: string[] = [];
  for (const [name, bytes] of Object.entries(archives)) {
    await writeFile(join(context.folder, name), bytes);
    const opened = localImageSource.open(new Map([["from", name]]), context);
    const error = await t.throwsAsync<TsbuildError>(opened);
    t.is(error.code, "source/not-a-root", name);
    hints.push(error.hint ?? "");
  }
  t.regex(hints[0] ?? "", /docker-archive:docker\.tar/);
  t.regex(hints[1] ?? "", /oci-archive:oci\.tar/);
  t.regex(hints[2] ?? "", /tar -C/);
});

test("an archive that is cut off, or none, is told by name", async (t) => {
  const context = await sourceContext(t);
  const whole = tarOf({ "etc/a": Buffer.alloc(5000, "a") });
  await writeFile(join(context.folder, "cut.tar"), whole.subarray(0, 3000));
  await writeFile(join(context.folder, "no.tar.gz"), Buffer.from("1f8b08000000", "hex"));
  for (const name of ["cut.tar", "no.tar.gz"]) {
    const opened = localImageSource.open(new Map([["from", name]]), context);
    const error = await t.throwsAsync<TsbuildError>(opened);
    t.regex(error.message, new RegExp(name));
    t.regex(error.code, /^(tar|source)\//);
  }
});

test("a base that must be signed is refused, and an empty list asks for nothing", async (t) => {
  const context = await sourceContext(t);
  await mkdir(join(context.folder, "box"));
  const open = (fingerprints: string) =>
    localImageSource.open(
      new Map([
        ["from", "box"],
        ["fingerprints", fingerprints],
      ]),
      context,
    );
  const error = await t.throwsAsync<TsbuildError>(open("ABCDEF # Ann's"));
  t.is(error.code, "source/fingerprints");
  await t.notThrowsAsync(open(""));
  await t.notThrowsAsync(open("# nobody"));
});

// Real images with real layers: is what we pack what their layers make, as umoci and Apptainer unpack it, and can
// everything that reads such images read ours?

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { SifFile } from "../../src/sif/sif-file.ts";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { tsbuild } from "../helpers/build.ts";
import {
  compareTrees,
  describeDifferences,
  type AllowedDifference,
} from "../helpers/compare-trees.ts";
import { addedToLayers, ownTexts } from "../helpers/image-layout.ts";
import { archiveImage, serveImages, unpackImage, type ImageName } from "../helpers/images.ts";
import { imagesTest } from "../helpers/images-test.ts";
import { fileSystemOffset, listFolder, listImage } from "../helpers/list-image.ts";
import { plainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";

const names: readonly ImageName[] = ["base", "python", "mpi", "odd"];

/** Builds one of the images from the registry, by a definition without scripts. */
async function buildImage(
  t: ExecutionContext,
  name: ImageName,
  folder: string,
  asPlainUser = false,
): Promise<string> {
  await using server = await serveImages();
  const user = asPlainUser ? plainUser() : undefined;
  const cwd = user?.folder ?? folder;
  writeFileSync(join(cwd, `${name}.def`), `Bootstrap: docker\nFrom: ${server.host}/${name}\n`);
  const run = await tsbuild([`${name}.def`], {
    cwd,
    ...(user === undefined ? {} : { user }),
    env: { TSBUILD_CACHEDIR: join(cwd, "cache"), TMPDIR: cwd },
  });
  t.is(run.exitCode, 0, run.stderr);
  return join(cwd, `${name}.sif`);
}

for (const name of names) {
  imagesTest(`the image ${name} has the tree that umoci unpacks`, async (t) => {
    t.timeout(600_000);
    const folder = await scratch(t);
    const image = await buildImage(t, name, folder);
    const theirs = await listFolder(await unpackImage(name, join(folder, "bundle")));
    const ours = await listImage(image);
    t.true(Object.keys(theirs).length > 1000);
    const differences = compareTrees(ours, theirs, addedToLayers);
    t.deepEqual(differences, [], describeDifferences(differences));
    await readersAccept(t, image, folder);
  });

  apptainerTest(`the image ${name} has the tree that Apptainer packs`, async (t) => {
    t.timeout(900_000);
    const folder = await scratch(t);
    await archiveImage(name, join(folder, "image.tar"));
    const spec = "oci-archive:image.tar";
    const run = await tsbuild(["build", "ours.sif", spec], {
      cwd: folder,
      env: { TSBUILD_CACHEDIR: join(folder, "cache"), TMPDIR: folder },
    });
    t.is(run.exitCode, 0, run.stderr);
    const fast = ["--mksquashfs-args", "-Xcompression-level 1"];
    const theirs = await apptainer(["build", ...fast, "theirs.sif", spec], {
      cwd: folder,
      asRealRoot: true,
    });
    t.is(theirs.exitCode, 0, theirs.stderr);
    const differences = compareTrees(
      await listImage(join(folder, "ours.sif")),
      await listImage(join(folder, "theirs.sif")),
      ownTexts,
    );
    t.deepEqual(differences, [], describeDifferences(differences));
  });
}

imagesTest("a plain user's image is the one that root makes", async (t) => {
  t.timeout(600_000);
  const folder = await scratch(t);
  const ours = await listImage(await buildImage(t, "odd", folder, true));
  const theirs = await listFolder(await unpackImage("odd", join(folder, "bundle")));
  const differences = compareTrees(ours, theirs, addedToLayers);
  t.deepEqual(differences, [], describeDifferences(differences));
});

const letters: Readonly<Record<string, string>> = {
  directory: "d",
  file: "f",
  symlink: "l",
  "character-device": "c",
  "block-device": "b",
  fifo: "p",
};
const options = { encoding: "latin1", maxBuffer: 1 << 28 } as const;

/** What rdsquashfs 1.2 does not do when it unpacks. */
const rdsquashfsLimits: readonly AllowedDifference[] = [
  { why: "every name of a file becomes a file of its own", allows: ({ what }) => what === "names" },
  {
    why: "the root folder is there before, and keeps its time",
    allows: ({ path, what }) => path === "" && what === "mtimeSeconds",
  },
  {
    why: "it sets attributes before owners, and the kernel drops capabilities of a file that is given away",
    allows: ({ what, theirs }) =>
      what === "xattrs" && String(Object.keys(theirs ?? {})) === "security.capability",
  },
];

/** The id of the object that is the root file system. */
async function partitionId(image: string): Promise<string> {
  await using sif = await SifFile.read(image);
  return String(sif.primaryPartition().id);
}

/** Every other reader: unsquashfs, rdsquashfs, squashfuse, and siftool's own look at the container. */
async function readersAccept(t: ExecutionContext, image: string, folder: string): Promise<void> {
  for (const words of [["header"], ["list"], ["info", "1"], ["dump", "1"]]) {
    const [command = "", ...operands] = words;
    const run = await execa("siftool", [command, ...operands, image], { reject: false });
    t.is(run.exitCode, 0, `siftool ${command}: ${run.stderr}`);
  }
  t.regex((await execa("siftool", ["header", image])).stdout, /Launch Script/);

  const offset = await fileSystemOffset(image);
  const extracted = join(folder, "extracted");
  const { stderr } = await execa("unsquashfs", ["-o", `${offset}`, "-d", extracted, image]);
  t.is(stderr, "");
  const kernel = await listImage(image);
  t.deepEqual(
    describeDifferences(compareTrees(await listFolder(extracted), kernel)),
    "",
    "unsquashfs sees what the kernel sees",
  );

  const partition = join(folder, "partition.squashfs");
  await execa("siftool", ["dump", await partitionId(image), image], {
    stdout: { file: partition },
    buffer: false,
  });
  const { stdout: described } = await execa("rdsquashfs", ["-d", partition], options);
  // A name may have a line feed in it.
  const entries = described.match(/^(dir|file|slink|link|nod|pipe|sock) /gm) ?? [];
  t.is(entries.length, Object.keys(kernel).length - 1, "all but the root");
  // It inflates a fragment anew for each of its files, which takes minutes for a large image.
  if (statSync(partition).size < 100_000_000) {
    const unpacked = join(folder, "unpacked");
    await execa("rdsquashfs", [..."-q -C -O -X -T -u / -p".split(" "), unpacked, partition]);
    t.deepEqual(
      describeDifferences(compareTrees(await listFolder(unpacked), kernel, rdsquashfsLimits)),
      "",
      "rdsquashfs sees what the kernel sees",
    );
  }
  await Promise.all([extracted, partition].map((path) => rm(path, { recursive: true })));

  const mount = join(folder, "fuse");
  mkdirSync(mount);
  await execa("squashfuse", ["-o", `offset=${offset}`, image, mount]);
  try {
    const found = await execa("find", [mount, "-printf", "%P\\t%y\\t%m\\t%U\\t%G\\n"], options);
    const kernelFound = Object.entries(kernel).map(
      ([path, { type, mode, uid, gid }]) => `${path}\t${letters[type]}\t${mode}\t${uid}\t${gid}`,
    );
    t.deepEqual(found.stdout.split("\n").toSorted(), kernelFound.join("\n").split("\n").toSorted());
    // Reading all of the large ones takes squashfuse minutes.
    const some = Object.entries(kernel).filter(
      ([, { type }], index) => type === "file" && index % 40 === 0,
    );
    t.true(some.length > 10);
    for (const [path, { sha256 = "(none)" }] of some) {
      const file = Buffer.from(`${mount}/${path}`, "latin1");
      t.is(createHash("sha256").update(readFileSync(file)).digest("hex"), sha256, path);
    }
  } finally {
    await execa("fusermount3", ["-u", mount]);
  }
}

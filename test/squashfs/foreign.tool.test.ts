import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { FormatError, TsbuildError } from "../../src/model/error.ts";
import { listTree } from "../helpers/list-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { entriesOfImage } from "../helpers/squashfs.ts";
import { toolTest } from "../helpers/tool.ts";

/** A folder with what matters to a reader: sizes around a block, holes, links, many names. */
function makeFolder(folder: string): void {
  mkdirSync(join(folder, "d/e"), { recursive: true });
  const text = "The quick brown fox. ".repeat(20_000);
  for (const size of [0, 1, 4095, 4096, 4097, 131071, 131072, 131073, 400_000]) {
    writeFileSync(join(folder, `d/${size}`), text.slice(0, size));
  }
  writeFileSync(join(folder, "copy"), text.slice(0, 400_000));
  writeFileSync(join(folder, "hole"), text.slice(0, 200_000));
  truncateSync(join(folder, "hole"), 2_000_000);
  linkSync(join(folder, "d/4097"), join(folder, "linked"));
  symlinkSync("d/4097", join(folder, "symlink"));
  mkdirSync(join(folder, "many"));
  for (let index = 0; index < 1500; index += 1) {
    writeFileSync(join(folder, `many/${"long-name-".repeat(4)}${index}`), `${index % 9}`);
  }
  chmodSync(join(folder, "d/e"), 0o1711);
  execFileSync("mkfifo", [join(folder, "fifo")]);
  for (const name of ["d", "d/e", "many", "", "d/0"]) {
    utimesSync(join(folder, name), 1_600_000_000, 1_600_000_000);
  }
  lutimesSync(join(folder, "symlink"), 1_600_000_000, 1_600_000_000);
}

const variants: readonly (readonly string[])[] = [
  [],
  ["-comp", "xz"],
  ["-comp", "xz", "-Xbcj", "x86", "-b", "4096"],
  ["-comp", "zstd", "-Xcompression-level", "3"],
  ["-comp", "gzip", "-Xcompression-level", "1", "-b", "1M"],
  ["-tailends", "-b", "16K"],
  ["-no-fragments", "-no-exports"],
  ["-no-duplicates", "-noI", "-noId", "-noD", "-noF", "-noX"],
];

toolTest(["mksquashfs"], "images of mksquashfs are read", async (t) => {
  const folder = join(await scratch(t), "folder");
  makeFolder(folder);
  const expected = listTree(folder);
  for (const options of variants) {
    const path = join(await scratch(t), "image");
    execFileSync("mksquashfs", [folder, path, "-quiet", "-no-progress", ...options]);
    const file = await open(path);
    try {
      const differences = compareTrees(await entriesOfImage(file), expected);
      t.deepEqual(differences, [], `${options.join(" ")}\n${describeDifferences(differences)}`);
    } finally {
      await file.close();
    }
  }
});

toolTest(["tar2sqfs", "tar"], "images of squashfs-tools-ng are read", async (t) => {
  const folder = join(await scratch(t), "folder");
  makeFolder(folder);
  const path = join(await scratch(t), "image");
  const tar = execFileSync("tar", ["-C", folder, "--xattrs", "-c", "."], { maxBuffer: 1 << 28 });
  execFileSync("tar2sqfs", ["-q", "-s", path], { input: tar, stdio: ["pipe", "ignore", "ignore"] });
  const file = await open(path);
  t.teardown(() => file.close());
  const differences = compareTrees(await entriesOfImage(file), listTree(folder), [
    // tar2sqfs gives the root defaults of its own, and makes copies of hard links' inodes.
    { why: "the root's attributes are not in the tar", allows: ({ path: at }) => at === "" },
  ]);
  t.deepEqual(differences, [], describeDifferences(differences));
});

toolTest(
  ["mksquashfs"],
  "images that can't be read are refused by their compression",
  async (t) => {
    const folder = join(await scratch(t), "folder");
    mkdirSync(folder);
    writeFileSync(join(folder, "f"), "text");
    for (const compressor of ["lz4", "lzo", "lzma"]) {
      const path = join(await scratch(t), "image");
      execFileSync("mksquashfs", [folder, path, "-quiet", "-no-progress", "-comp", compressor]);
      const file = await open(path);
      t.teardown(() => file.close());
      const error = await t.throwsAsync(entriesOfImage(file), { instanceOf: FormatError });
      t.is(error.code, "squashfs/unsupported");
      t.true(error.message.includes(compressor));
    }
  },
);

toolTest(["mksquashfs"], "damaged xz blocks give errors of ours, and soon", async (t) => {
  t.timeout(120_000);
  const folder = join(await scratch(t), "folder");
  makeFolder(folder);
  const path = join(await scratch(t), "image");
  execFileSync("mksquashfs", [folder, path, "-quiet", "-no-progress", "-comp", "xz"]);
  const original = readFileSync(path);
  const used = Number(original.readBigUInt64LE(40));
  const mutated = join(await scratch(t), "mutated");
  const codes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 96, max: used - 1 }), fc.nat(255)), {
        minLength: 1,
        maxLength: 3,
      }),
      async (changes) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of changes) bytes[at] = value;
        writeFileSync(mutated, bytes);
        const file = await open(mutated);
        try {
          await entriesOfImage(file);
        } catch (error) {
          if (!(error instanceof TsbuildError)) throw error;
          codes.add(error.code);
        } finally {
          await file.close();
        }
      },
    ),
    { numRuns: 40 },
  );
  t.deepEqual([...codes], ["squashfs/damaged"]);
});

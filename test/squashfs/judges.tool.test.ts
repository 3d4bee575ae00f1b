import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees, describeDifferences } from "../helpers/compare-trees.ts";
import { listTree } from "../helpers/list-tree.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { randomTree } from "../helpers/random-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { expectedEntries, squashfsOf, writeImage } from "../helpers/squashfs.ts";
import { hostTest, toolTest } from "../helpers/tool.ts";
import { parseCompression } from "../../src/squashfs/compression.ts";

const isRoot = process.geteuid?.() === 0;

/** A directory that needs an index and many runs, and inodes of every size. */
function bigTree(): FileTree {
  const tree = nastyTree();
  for (let index = 0; index < 3000; index += 1) {
    tree.put(`many/file-with-a-long-name-${index}`, textFile(`${index % 50}`, { uid: index % 7 }));
  }
  for (let index = 0; index < 700; index += 1) {
    tree.put(`fifos/${index}`, {
      type: "fifo",
      mode: 0o600,
      uid: 0,
      gid: 0,
      mtimeSeconds: 1,
    });
  }
  const shared = textFile("one of many names");
  for (let index = 0; index < 600; index += 1) tree.put(`links/${index}`, shared);
  // Far apart in inode numbers, close together in a listing.
  for (let index = 0; index < 20; index += 1) tree.put(`many/link-${index}`, shared);
  tree.put("big", textFile("0123456789abcdef".repeat(70_000)));
  return tree;
}

hostTest("root", isRoot, "unsquashfs extracts what was packed", async (t) => {
  for (const compression of ["fast", "zstd:1", "none"]) {
    const tree = bigTree();
    const { path } = await squashfsOf(t, tree, { compressor: parseCompression(compression) });
    const folder = join(await scratch(t), "extracted");
    execFileSync("unsquashfs", ["-quiet", "-no-progress", "-no-xattrs", "-dest", folder, path]);
    const differences = compareTrees(listTree(folder), await expectedEntries(tree), [
      {
        why: "not asked for: user.* can't be set on a symlink",
        allows: ({ what }) => what === "xattrs",
      },
    ]);
    t.deepEqual(differences, [], describeDifferences(differences));
  }
});

hostTest("root, a loop device", isRoot, "the kernel mounts and reads all of it", async (t) => {
  for (const [compression, blockSizeBytes] of [
    ["fast", 131072],
    ["small", 4096],
    ["zstd:19", 1048576],
    ["none", 65536],
  ] as const) {
    const tree = bigTree();
    const { path } = await squashfsOf(t, tree, {
      compressor: parseCompression(compression),
      blockSizeBytes,
    });
    const list = listMounted(path, await scratch(t));
    const differences = compareTrees(list, await expectedEntries(tree));
    t.deepEqual(differences, [], describeDifferences(differences));
  }
});

/** What the kernel shows of an image, mounted where only one process sees it. */
function listMounted(image: string, folder: string): ReturnType<typeof listTree> {
  const output = join(folder, "list.json");
  const mount = join(folder, "mount");
  mkdirSync(mount);
  const program = new URL("../helpers/list-tree.ts", import.meta.url).pathname;
  execFileSync("unshare", [
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-ec",
    'mount -t squashfs -o loop,ro "$1" "$2"; "$3" "$4" "$2" > "$5"; umount "$2"',
    "sh",
    image,
    mount,
    process.execPath,
    program,
    output,
  ]);
  return JSON.parse(readFileSync(output, "latin1")) as ReturnType<typeof listTree>;
}

hostTest("root", isRoot, "empty trees mount and extract", async (t) => {
  const { path } = await squashfsOf(t, new FileTree());
  t.is(Object.keys(listMounted(path, await scratch(t))).length, 1);
  const listed = execFileSync("unsquashfs", ["-ll", "-quiet", path], { encoding: "utf8" });
  t.regex(listed, /^drwxr-xr-x root\/root .* squashfs-root$/m);
});

toolTest(["sqfs2tar", "tar"], "sqfs2tar makes a tar of the same files", async (t) => {
  const tree = bigTree();
  const { path } = await squashfsOf(t, tree);
  const tar = execFileSync("sqfs2tar", [path], { maxBuffer: 1 << 28 });
  const listed = spawnSync("tar", ["-t", "--quoting-style=literal"], { input: tar });
  const names = listed.stdout.toString("latin1").split("\n");
  for (const { path: name, node } of tree.walk()) {
    // Sockets have no place in a tar, and a name with a line feed shows as two.
    if (node.type === "socket" || name.includes("\n") || name === "") continue;
    if (!names.includes(node.type === "directory" ? `${name}/` : name)) t.fail(name);
  }
  t.is(listed.status, 0);
});

toolTest(["rdsquashfs"], "rdsquashfs reads files, links and attributes", async (t) => {
  const tree = bigTree();
  const { path } = await squashfsOf(t, tree);
  const read = (...words: string[]) =>
    execFileSync("rdsquashfs", [...words, path], { maxBuffer: 1 << 28 });
  t.is(read("-c", "bin/su").toString(), "set-uid");
  t.is(read("-c", "big").length, 16 * 70_000);
  t.regex(read("-x", "bin/ping").toString("latin1"), /security\.capability/);
  t.is(read("-l", "many").toString().trim().split("\n").length, 3020);
  t.regex(read("-s", "special/big").toString(), /4095:1048575/);
});

toolTest(["squashfuse", "fusermount"], "squashfuse mounts it", async (t) => {
  const tree = bigTree();
  // squashfuse 0.1.105 lists empty attributes and then doesn't find them.
  tree.put("xattrs/many", textFile("many", { mode: 0o444 }));
  const { path } = await squashfsOf(t, tree);
  const mount = join(await scratch(t), "mount");
  mkdirSync(mount);
  execFileSync("squashfuse", [path, mount]);
  try {
    const differences = compareTrees(listTree(mount), await expectedEntries(tree), [
      { why: "squashfuse 0.1.105 confuses prefixes", allows: ({ what }) => what === "xattrs" },
      { why: "every name has its own number there", allows: ({ what }) => what === "names" },
    ]);
    t.deepEqual(differences, [], describeDifferences(differences));
  } finally {
    execFileSync("fusermount", ["-u", mount]);
  }
});

hostTest("root", isRoot, "unsquashfs extracts random trees", async (t) => {
  const folder = await scratch(t);
  const path = join(folder, "image");
  const file = await open(path, "w+");
  t.teardown(() => file.close());
  let run = 0;
  await fc.assert(
    fc.asyncProperty(randomTree({ blockBytes: 4096 }), async (tree) => {
      await writeImage(tree, file, { blockSizeBytes: 4096 });
      const extracted = join(folder, `x${run}`);
      run += 1;
      execFileSync("unsquashfs", [
        "-quiet",
        "-no-progress",
        "-no-xattrs",
        "-dest",
        extracted,
        path,
      ]);
      const differences = compareTrees(listTree(extracted), await expectedEntries(tree), [
        {
          why: "not asked for: user.* can't be set on a symlink",
          allows: ({ what }) => what === "xattrs",
        },
      ]);
      t.deepEqual(differences, [], describeDifferences(differences));
    }),
    { numRuns: 25 },
  );
});

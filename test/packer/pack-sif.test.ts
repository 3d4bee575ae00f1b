import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import test from "ava";
import { FormatError, HostError, UsageError } from "../../src/model/error.ts";
import { packSif, type PackSifOptions, type PackWarning } from "../../src/packer/pack-sif.ts";
import { SifFile } from "../../src/sif/sif-file.ts";
import { balanced } from "../../src/squashfs/compression.ts";
import { readSquashfs } from "../../src/squashfs/read.ts";
import { FileTree } from "../../src/tree/file-tree.ts";
import { compareTrees } from "../helpers/compare-trees.ts";
import { nastyTree, textFile } from "../helpers/nasty-tree.ts";
import { scratch } from "../helpers/scratch.ts";
import { expectedEntries } from "../helpers/squashfs.ts";
import { treeEntries } from "../helpers/tree-entries.ts";

const options: PackSifOptions = {
  definition: Buffer.from("Bootstrap: scratch\n"),
  objects: [{ name: "inspect-metadata.json", bytes: Buffer.from("{}") }],
  architecture: "amd64",
  timeSeconds: 1_700_000_000,
  uuid: "from-content",
  compression: balanced,
  force: false,
  workers: 1,
};

const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

test("a tree becomes an image, and comes back", async (t) => {
  const folder = await scratch(t);
  const target = join(folder, "image.sif");
  const seen = new Map<string, [number, number]>();
  const packed = await packSif(nastyTree(), target, {
    ...options,
    onProgress: (task, done, total) => seen.set(task, [done, total]),
  });
  t.deepEqual(readdirSync(folder), ["image.sif"]);
  t.is(statSync(target).size, packed.imageBytes);
  t.deepEqual(
    [...seen],
    [
      ["pack", [packed.contentBytes, packed.contentBytes]],
      ["verify", [packed.sizeBytes, packed.sizeBytes]],
    ],
  );
  await using sif = await SifFile.read(target);
  const { offset, sizeBytes } = sif.primaryPartition();
  t.is(offset % 4096, 0);
  t.is(sizeBytes, packed.sizeBytes);
  const tree = await readSquashfs(sif.file, offset, sizeBytes, target);
  t.deepEqual(compareTrees(await treeEntries(tree), await expectedEntries(nastyTree())), []);
});

test("the same content gives the same bytes, and another another UUID", async (t) => {
  const folder = await scratch(t);
  const one = await packSif(nastyTree(), join(folder, "1.sif"), { ...options, workers: 1 });
  const two = await packSif(nastyTree(), join(folder, "2.sif"), { ...options, workers: 3 });
  t.is(digest(join(folder, "1.sif")), digest(join(folder, "2.sif")));
  t.is(one.uuid, two.uuid);
  const other = nastyTree();
  other.put("one-more", textFile("x"));
  const three = await packSif(other, join(folder, "3.sif"), options);
  t.not(one.uuid, three.uuid);
  const random = { ...options, uuid: "random" as const };
  const four = await packSif(nastyTree(), join(folder, "4.sif"), random);
  t.regex(four.uuid, /^.{8}-.{4}-4/);
});

test("an image is executable, as far as the umask lets it", async (t) => {
  const folder = await scratch(t);
  const before = process.umask(0o027);
  try {
    await packSif(new FileTree(), join(folder, "image.sif"), options);
  } finally {
    process.umask(before);
  }
  t.is(statSync(join(folder, "image.sif")).mode & 0o7777, 0o750);
});

test("an image that is there is only replaced with force", async (t) => {
  const folder = await scratch(t);
  const target = join(folder, "image.sif");
  writeFileSync(target, "old");
  const refused = packSif(new FileTree(), target, options);
  t.is((await t.throwsAsync(refused, { instanceOf: UsageError })).code, "target/exists");
  t.is(readFileSync(target, "utf8"), "old");
  await packSif(new FileTree(), target, { ...options, force: true });
  t.true(statSync(target).size > 30_000);
  t.deepEqual(readdirSync(folder), ["image.sif"]);
});

test("with force an image replaces a sandbox and a link", async (t) => {
  const folder = await scratch(t);
  mkdirSync(join(folder, "box/bin"), { recursive: true });
  writeFileSync(join(folder, "box/bin/sh"), "x");
  await packSif(new FileTree(), join(folder, "box"), { ...options, force: true });
  t.true(statSync(join(folder, "box")).isFile());
  writeFileSync(join(folder, "elsewhere"), "untouched");
  symlinkSync("elsewhere", join(folder, "link"));
  await packSif(new FileTree(), join(folder, "link"), { ...options, force: true });
  t.is(readFileSync(join(folder, "elsewhere"), "utf8"), "untouched");
  t.deepEqual(readdirSync(folder).toSorted(), ["box", "elsewhere", "link"]);
});

test("a build that fails or is ended leaves the old image and nothing else", async (t) => {
  const folder = await scratch(t);
  const target = join(folder, "image.sif");
  writeFileSync(target, "old");
  const tree = new FileTree();
  tree.put("f", {
    ...textFile(""),
    sizeBytes: 5,
    content: { kind: "host-file", path: Buffer.from(join(folder, "missing")) },
  });
  const failed = packSif(tree, target, { ...options, force: true });
  const error = await t.throwsAsync(failed, { instanceOf: HostError });
  t.is(error.code, "host/file-unreadable");
  const stop = new AbortController();
  const ended = packSif(nastyTree(), target, {
    ...options,
    force: true,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error("enough")),
  });
  await t.throwsAsync(ended, { message: "enough" });
  tree.put("f", { ...textFile("x"), uid: -1 });
  await t.throwsAsync(packSif(tree, target, { ...options, force: true }), {
    instanceOf: FormatError,
  });
  t.is(readFileSync(target, "utf8"), "old");
  t.deepEqual(readdirSync(folder), ["image.sif"]);
});

test("a file that went away elsewhere is not taken for the target's folder", async (t) => {
  const folder = await scratch(t);
  const tree = new FileTree();
  const source = {
    name: "a layer",
    // oxlint-disable-next-line require-yield
    async *read(): AsyncGenerator<never> {
      readFileSync("/nowhere/layer");
    },
  };
  tree.put("f", {
    ...textFile(""),
    sizeBytes: 5,
    content: { kind: "extent", source, position: 0, lengthBytes: 5 },
  });
  const failed = packSif(tree, join(folder, "image.sif"), options);
  await t.throwsAsync(failed, { code: "ENOENT" });
  t.deepEqual(readdirSync(folder), []);
});

test("folders that can't be written to are named", async (t) => {
  const folder = await scratch(t);
  writeFileSync(join(folder, "file"), "");
  for (const [target, code] of [
    [join(folder, "missing/image.sif"), "host/no-folder"],
    [join(folder, "file/image.sif"), "host/no-folder"],
    ["/proc/self/image.sif", "host/no-folder"],
    ["/sys/kernel/image.sif", "host/not-writable"],
  ] as const) {
    const error = await t.throwsAsync(packSif(new FileTree(), target, options), {
      instanceOf: HostError,
    });
    t.is(error.code, code, target);
  }
});

test("what killed runs left is removed, what others are at work on is not", async (t) => {
  const folder = await scratch(t);
  const program = `
    const { TargetFile } = await import(${JSON.stringify(new URL("../../src/packer/target-file.ts", import.meta.url).href)});
    await TargetFile.create(${JSON.stringify(join(folder, "image.sif"))}, false);
    console.log("made");
    setInterval(() => {}, 1000);
  `;
  const start = () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new Promise<typeof child>((resolve, reject) => {
      child.on("error", reject);
      child.stdout.once("data", () => resolve(child));
    });
  };
  const ended = (child: Awaited<ReturnType<typeof start>>) =>
    new Promise((resolve) => child.once("exit", resolve));
  const killed = await start();
  const [left = ""] = readdirSync(folder);
  const dead = ended(killed);
  killed.kill("SIGKILL");
  await dead;
  // What keeps tidy after a killed run may have been killed as well.
  for (let tries = 0; existsSync(join(folder, left)) && tries < 500; tries += 1) {
    await setTimeout(20);
  }
  t.deepEqual(readdirSync(folder), [], "a killed run's file goes away");
  writeFileSync(join(folder, left), "what was not tidied up");
  const alive = await start();
  t.teardown(() => alive.kill("SIGKILL"));
  t.is(readdirSync(folder).length, 1, "the next run removes it");
  const foreign = ".tsbuild-image-000000-000000-1-1-00000000";
  writeFileSync(join(folder, foreign), "another machine's");
  await packSif(new FileTree(), join(folder, "image.sif"), options);
  const names = readdirSync(folder).toSorted();
  t.is(names.length, 3, names.join(" "));
  t.true(names.includes(foreign));
  const gone = ended(alive);
  alive.kill("SIGTERM");
  await gone;
  await packSif(new FileTree(), join(folder, "two.sif"), options);
  t.deepEqual(readdirSync(folder).toSorted(), [foreign, "image.sif", "two.sif"]);
});

test("what users may want to know is told", async (t) => {
  const folder = await scratch(t);
  const tree = new FileTree();
  for (const name of ["a", "b", "c"]) {
    tree.put(
      name,
      textFile("x", { xattrs: new Map([["system.posix_acl_access", Buffer.from("acl")]]) }),
    );
  }
  const warnings: PackWarning[] = [];
  await packSif(tree, join(folder, "image.sif"), {
    ...options,
    compression: { name: "zstd", level: 3 },
    onWarning: (warning) => warnings.push(warning),
  });
  t.deepEqual(
    warnings.map(({ code }) => code),
    ["squashfs/xattr-dropped", "squashfs/zstd"],
  );
  t.regex(warnings[0]?.message ?? "", /posix_acl_access of \/a and 2 other files/);
});

test("verifying can be left out", async (t) => {
  const folder = await scratch(t);
  const seen = new Set<string>();
  await packSif(nastyTree(), join(folder, "image.sif"), {
    ...options,
    verify: false,
    onProgress: (task) => seen.add(task),
  });
  t.deepEqual([...seen], ["pack"]);
  t.true(existsSync(join(folder, "image.sif")));
  chmodSync(folder, 0o755);
});

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { apptainer, apptainerTest } from "../helpers/apptainer.ts";
import { runCli } from "../helpers/run-cli.ts";
import { scratch } from "../helpers/scratch.ts";
import { toolTest } from "../helpers/tool.ts";

const fingerprint = "433FE984155206BD962725E20E8713472A879943";

/** Slots are filled, freed and filled again; objects stand in groups, belong to others, and have all kinds of type. */
const steps: readonly (readonly string[])[] = [
  ["add", "--datatype", "1", "IMAGE", "text"],
  ["add", "--datatype", "6", "--groupid", "7", "--filename", "labels.json", "IMAGE", "text"],
  ["add", "--datatype", "4", "--parttype", "1", "--partfs", "1", "--partarch", "4", "IMAGE", "big"],
  ["add", "--datatype", "4", "--parttype", "2", "--partfs", "1", "--partarch", "2", "IMAGE", "big"],
  ["add", "--datatype", "7", "--link", "1", "IMAGE", "empty"],
  ["add", "--datatype", "7", "--link", "4026531841", "--alignment", "2048", "IMAGE", "text"],
  ["add", "--datatype", "8", "IMAGE", "text"],
  ["add", "--datatype", "5", "--signhash", "1", "--signentity", fingerprint, "IMAGE", "text"],
  ["add", "--datatype", "9", "--sbomformat", "syft-json", "IMAGE", "text"],
  ["del", "2", "IMAGE"],
  ["add", "--datatype", "2", "IMAGE", "big"],
  ["del", "9", "IMAGE"],
  ["add", "--datatype", "3", "IMAGE", "text"],
  ["del", "4", "IMAGE"],
];

/** What only newer versions of the library do right or know. */
const newerSteps: readonly (readonly string[])[] = [
  ["setprim", "3", "IMAGE"],
  ["setprim", "3", "IMAGE"],
  ["add", "--datatype", "10", "IMAGE", "text"],
  ["add", "--datatype", "11", "IMAGE", "big"],
  [
    "add",
    "--datatype",
    "4",
    "--parttype",
    "1",
    "--partfs",
    "6",
    "--partarch",
    "12",
    "IMAGE",
    "big",
  ],
  ["setprim", "11", "IMAGE"],
];

async function filesIn(t: ExecutionContext): Promise<string> {
  const folder = await scratch(t);
  writeFileSync(join(folder, "text"), "some text\n");
  writeFileSync(join(folder, "big"), Buffer.alloc(200_000, "abc"));
  writeFileSync(join(folder, "empty"), "");
  return folder;
}

/** The bytes without the times, which are the only thing that two tools do not share. */
function timeless(path: string): Buffer {
  const bytes = readFileSync(path);
  bytes.fill(0, 64, 80);
  for (let slot = 4096; slot < 32_176; slot += 585) bytes.fill(0, slot + 41, slot + 57);
  return bytes;
}

const named = (words: readonly string[], name: string) =>
  words.map((word) => (word === "IMAGE" ? name : word));

async function compare(
  t: ExecutionContext,
  folder: string,
  theirs: (words: readonly string[]) => unknown,
  all: readonly (readonly string[])[],
): Promise<void> {
  await theirs(["new", "theirs.sif"]);
  copyFileSync(join(folder, "theirs.sif"), join(folder, "ours.sif"));
  for (const words of all) {
    await theirs(named(words, "theirs.sif"));
    const { error } = await runCli(["sif", ...named(words, "ours.sif")], folder);
    t.is(error, undefined, words.join(" "));
    t.true(
      timeless(join(folder, "ours.sif")).equals(timeless(join(folder, "theirs.sif"))),
      words.join(" "),
    );
  }
}

toolTest(["siftool"], "every change gives the bytes that siftool gives", async (t) => {
  const folder = await filesIn(t);
  await compare(
    t,
    folder,
    (words) => execFileSync("siftool", words, { cwd: folder, stdio: "pipe" }),
    steps,
  );
});

apptainerTest("every change gives the bytes that Apptainer gives", async (t) => {
  const folder = await filesIn(t);
  await compare(
    t,
    folder,
    async (words) => {
      const { exitCode, stderr } = await apptainer(["sif", ...words], { cwd: folder });
      t.is(exitCode, 0, stderr);
    },
    [...steps, ...newerSteps],
  );
});

toolTest(["siftool"], "an image made from nothing is as siftool makes it", async (t) => {
  const folder = await filesIn(t);
  t.is((await runCli(["sif", "new", "ours.sif"], folder)).error, undefined);
  execFileSync("siftool", ["new", join(folder, "theirs.sif")]);
  const [ours, theirs] = ["ours.sif", "theirs.sif"].map((name) => timeless(join(folder, name)));
  for (const bytes of [ours, theirs]) bytes?.fill(0, 48, 64);
  t.deepEqual(ours?.toString("hex"), theirs?.toString("hex"));
  t.is(
    (await runCli(["sif", "new", "ours.sif"], folder)).error?.code,
    "target/exists",
    "nothing is overwritten",
  );
});

test("an image without times and UUID stays one", async (t) => {
  const folder = await filesIn(t);
  await runCli(["sif", "new", "x.sif"], folder);
  const path = join(folder, "x.sif");
  const bytes = readFileSync(path);
  bytes.fill(0, 48, 64);
  bytes.writeBigInt64LE(-62_135_596_800n, 64);
  bytes.writeBigInt64LE(-62_135_596_800n, 72);
  writeFileSync(path, bytes);
  await runCli(["sif", "add", "--datatype", "7", "x.sif", "text"], folder);
  const { stdout } = await runCli(["sif", "info", "1", "x.sif"], folder);
  t.notRegex(stdout, /Created/);
  t.notRegex((await runCli(["sif", "header", "x.sif"], folder)).stdout, /Modified/);
});

test("the time of a change can be given", async (t) => {
  const folder = await filesIn(t);
  await runCli(["sif", "new", "x.sif"], folder);
  const environment = { SOURCE_DATE_EPOCH: "1700000000" };
  await runCli(["sif", "add", "--datatype", "7", "x.sif", "text"], folder, environment);
  const { stdout } = await runCli(["sif", "header", "x.sif"], folder);
  t.regex(stdout, /Modified At: +2023-11-14 22:13:20/);
});

test("a link stays a link, and the image keeps its mode and owner", async (t) => {
  const folder = await filesIn(t);
  await runCli(["sif", "new", "x.sif"], folder);
  chmodSync(join(folder, "x.sif"), 0o640);
  symlinkSync("x.sif", join(folder, "link.sif"));
  await runCli(["sif", "add", "--datatype", "7", "link.sif", "text"], folder);
  t.true(lstatSync(join(folder, "link.sif")).isSymbolicLink());
  t.is(statSync(join(folder, "x.sif")).mode & 0o7777, 0o640);
  t.regex((await runCli(["sif", "list", "x.sif"], folder)).stdout, /Generic\/Raw/);
});

const refused: readonly (readonly [code: string, ...words: string[]])[] = [
  ["sif/no-object", "del", "9", "x.sif"],
  ["sif/no-object", "setprim", "9", "x.sif"],
  ["sif/not-a-system-partition", "setprim", "1", "x.sif"],
  ["sif/second-primary", "add", "--datatype=4", "--parttype=2", "--partfs=1", "--partarch=2"],
  ["usage/sif-object", "add"],
  ["usage/sif-object", "add", "--datatype=12"],
  ["usage/sif-object", "add", "--datatype=4", "--parttype=1", "--partfs=1"],
  ["usage/sif-object", "add", "--datatype=4", "--parttype=1", "--partfs=1", "--partarch=14"],
  ["usage/sif-object", "add", "--datatype=5", "--signhash=1", "--signentity=433F"],
  ["usage/sif-object", "add", "--datatype=9", "--sbomformat=other"],
  // siftool 2.8.3 puts the object over the header.
  ["usage/sif-object", "add", "--datatype=7", "--alignment=-5"],
  ["sif/limit", "add", "--datatype=7", `--filename=${"n".repeat(129)}`],
  ["usage/operands", "del", "x.sif", "1"],
  ["usage/operands", "frobnicate", "x.sif"],
  ["sif/not-sif", "del", "1", "text"],
];

test("what can't be done is refused, and the image stays as it was", async (t) => {
  const folder = await filesIn(t);
  await runCli(["sif", "new", "x.sif"], folder);
  await runCli(["sif", "add", "--datatype", "1", "x.sif", "text"], folder);
  const partition = ["--datatype=4", "--parttype=2", "--partfs=1", "--partarch=2"];
  await runCli(["sif", "add", ...partition, "x.sif", "big"], folder);
  const before = readFileSync(join(folder, "x.sif"));
  for (const [code, action = "", ...words] of refused) {
    const operands = action === "add" ? ["x.sif", "text"] : [];
    const { error } = await runCli(["sif", action, ...words, ...operands], folder);
    t.is(error?.code, code, [action, ...words].join(" "));
  }
  t.is(
    (await runCli(["sif", "add", "--datatype=7", "x.sif", "."], folder)).error?.code,
    "usage/not-a-file",
  );
  t.is(
    (await runCli(["sif", "add", "--datatype=7", "x.sif", "no"], folder)).error?.code,
    "host/file-unreadable",
  );
  t.deepEqual(readFileSync(join(folder, "x.sif")), before);
  t.deepEqual(readdirSync(folder).toSorted(), ["big", "empty", "text", "x.sif"]);
});

test("an image whose slots are all taken", async (t) => {
  const folder = await filesIn(t);
  await runCli(["sif", "new", "x.sif"], folder);
  const path = join(folder, "x.sif");
  const bytes = readFileSync(path);
  for (let slot = 0; slot < 48; slot += 1) {
    bytes.writeInt32LE(0x4007, 4096 + slot * 585);
    bytes[4096 + slot * 585 + 4] = 1;
    bytes.writeUInt32LE(slot + 1, 4096 + slot * 585 + 5);
  }
  bytes.writeBigInt64LE(0n, 80);
  writeFileSync(path, bytes);
  const add = () => runCli(["sif", "add", "--datatype", "7", "x.sif", "text"], folder);
  t.is((await add()).error?.code, "sif/full");
  await runCli(["sif", "del", "20", "x.sif"], folder);
  t.is((await add()).error, undefined);
  t.regex((await runCli(["sif", "list", "x.sif"], folder)).stdout, /^20 .*32176-32186/m);
});

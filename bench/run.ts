// Everything that is promised about packing, measured on this machine in one table: tsbuild and the real Apptainer and
// mksquashfs on the same source, taking turns. And scripts: every way to be root against being root (isolation.ts has more).
//
//   npm run bench -- [--runs 3] [--only archive|sandbox|usr|growth|ways]
//
// × says how many times more the first contestant needs, % how much larger than its image another is, and "extra" what is
// written to disks beside the image. Seconds of the clock say something on a machine that does nothing else, processor
// seconds and sizes nearly always. Needs root and what test/judges/install.sh and images.sh make.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { archiveImage } from "../test/helpers/images.ts";
import { contest, ratio, typical, type Contestant, type Result } from "./contest.ts";
import {
  cpu,
  extra,
  named,
  peak,
  print,
  show,
  showVerdicts,
  size,
  tellRun,
  wall,
  type Verdict,
} from "./report.ts";
import { measureWays, wayNames } from "./ways.ts";

const checkout = resolve(import.meta.dirname, "..");
const cli = join(checkout, "bin/tsbuild.cjs");
const judge = join(checkout, "test/judges/apptainer");

const { values } = parseArgs({
  options: { runs: { type: "string", default: "3" }, only: { type: "string" } },
});
const runs = Number(values.runs);
if (process.getuid?.() !== 0) throw new Error("needs root: Apptainer is judged as root");

const folder = await mkdtemp(join(tmpdir(), "bench-"));
const image = join(folder, "image.sif");

const verdicts: Verdict[] = [];

/** How much faster and smaller than the first contestant one should be. */
function judgeResult(
  results: readonly Result[],
  name: string,
  faster: readonly [bar: number, aim: number],
  larger: readonly [bar: number, aim: number],
): void {
  const [peer] = results;
  if (peer === undefined) return;
  const result = named(results, name);
  const what = `${name} against ${peer.name}`;
  verdicts.push(
    {
      what: `${what}: times faster`,
      measured: ratio(peer, result, wall),
      unit: "×",
      bar: faster[0],
      aim: faster[1],
      more: true,
    },
    {
      what: `${what}: larger`,
      measured: 100 / ratio(peer, result, size) - 100,
      unit: "%",
      bar: larger[0],
      aim: larger[1],
      more: false,
    },
  );
}

const cache = join(folder, "cache");
const ours = (name: string, ...words: string[]): Contestant => ({
  name,
  argv: [
    process.execPath,
    cli,
    "build",
    "--force",
    ...words.slice(0, -1),
    image,
    words.at(-1) ?? "",
  ],
  env: { TMPDIR: folder, TSBUILD_CACHEDIR: cache },
  forget: [cache],
});
const mksquashfs = (source: string): Contestant => ({
  name: "mksquashfs",
  argv: ["mksquashfs", source, image, "-noappend", "-quiet", "-no-progress"],
});

const options = { runs, folder, tell: tellRun };

async function archive(): Promise<void> {
  const source = join(folder, "mpi.tar");
  await archiveImage("mpi", source);
  const from = `oci-archive:${source}`;
  const theirCache = join(folder, "apptainer-cache");
  const apptainer: Contestant = {
    name: "apptainer build",
    argv: [judge, "build", "--force", image, from],
    env: { TMPDIR: folder, APPTAINER_CACHEDIR: theirCache, JUDGE_MODE: "root" },
    forget: [theirCache],
  };
  const again = { ...ours("tsbuild, a second time", from), forget: [] };
  const results = await contest(
    [
      apptainer,
      ours("tsbuild", from),
      again,
      { ...ours("tsbuild --no-verify", "--no-verify", from), forget: [] },
      ours("tsbuild --compress fast", "--compress=fast", from),
      ours("tsbuild --compress zstd", "--compress=zstd", from),
    ],
    image,
    options,
  );
  show("oci-archive of mpi → SIF", results);
  judgeResult(results, "tsbuild", [5, 8], [0, -2]);
  judgeResult(results, "tsbuild --compress fast", [8, 12], [10, 10]);
  judgeResult(results, "tsbuild --compress zstd", [9, 15], [3, 0]);
  const first = named(results, "tsbuild");
  const second = named(results, "tsbuild, a second time");
  const unverified = named(results, "tsbuild --no-verify");
  verdicts.push(
    {
      what: "peak memory",
      measured: typical(first, peak) / 1e6,
      unit: "MB",
      bar: 450,
      aim: 300,
      more: false,
    },
    {
      what: "written beside image and cache",
      measured: typical(second, extra) / 1e6,
      unit: "MB",
      bar: 1,
      more: false,
    },
    {
      what: "verifying adds (processor)",
      measured: 100 * ratio(second, unverified, cpu) - 100,
      unit: "%",
      bar: 25,
      more: false,
    },
  );
}

async function sandbox(): Promise<void> {
  const source = join(folder, "sandbox");
  const archived = join(folder, "mpi.tar");
  await archiveImage("mpi", archived);
  const made = spawnSync(
    process.execPath,
    [cli, "build", "--sandbox", source, `oci-archive:${archived}`],
    {
      env: { ...process.env, TMPDIR: folder, TSBUILD_CACHEDIR: cache },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  if (made.status !== 0) throw new Error("no sandbox could be made");
  const results = await contest([mksquashfs(source), ours("tsbuild", source)], image, options);
  show("sandbox of mpi → SIF", results);
  judgeResult(results, "tsbuild", [4, 6], [0, 0]);
}

async function usr(): Promise<void> {
  const results = await contest([mksquashfs("/usr"), ours("tsbuild", "/usr")], image, options);
  show("/usr → SIF", results);
  judgeResult(results, "tsbuild", [4, 6], [0, 0]);
}

async function growth(): Promise<void> {
  const grown = (name: string, ...numbers: number[]): Contestant => ({
    name,
    argv: [process.execPath, join(import.meta.dirname, "grow.ts"), image, ...numbers.map(String)],
    env: { TMPDIR: folder },
  });
  const few = "100,000 entries of 50 bytes";
  const many = "1,000,000 entries of 50 bytes";
  const small = "1,000 files of 300 KB";
  const large = "10,000 files of 300 KB";
  const results = await contest(
    [
      grown(few, 100_000, 50),
      grown(many, 1_000_000, 50),
      grown(small, 1000, 300_000),
      grown(large, 10_000, 300_000),
      grown("a hole of 5 GiB", 1, 100, 5 * 1024 ** 3),
    ],
    image,
    { ...options, runs: 1 },
  );
  show("growth, --compress fast", results, false);
  const [a, b, c, d] = [few, many, small, large].map((name) => named(results, name));
  if (a === undefined || b === undefined || c === undefined || d === undefined) return;
  verdicts.push(
    {
      what: "10 times the entries: processor time",
      measured: ratio(b, a, cpu),
      unit: "×",
      bar: 12,
      more: false,
    },
    {
      what: "10 times the bytes: processor time",
      measured: ratio(d, c, cpu),
      unit: "×",
      bar: 12,
      more: false,
    },
    {
      what: "memory for each entry",
      measured: (typical(b, peak) - typical(a, peak)) / 900_000,
      unit: "bytes",
      bar: 1024,
      more: false,
    },
  );
}

async function ways(): Promise<void> {
  const results = await measureWays({ ...options, ways: wayNames, packages: "git" });
  show("apt-get install git in %post, by way", results);
  const [root] = results;
  if (root === undefined) return;
  for (const [name, bar, aim] of [
    ["subid", 20, 5],
    ["single", 25, 10],
  ] as const) {
    verdicts.push({
      what: `%post by ${name} against root: more processor time`,
      measured: 100 / ratio(root, named(results, name), cpu) - 100,
      unit: "%",
      bar,
      aim,
      more: false,
    });
  }
}

/** The number that a program gives for its version. */
function version(program: string, ...words: string[]): string | undefined {
  const { stdout } = spawnSync(program, words, { encoding: "utf8" });
  return /\d+\.\d+(?:\.\d+)*/.exec(stdout ?? "")?.[0];
}

function machine(): string {
  const facts = [
    `${availableParallelism()} × ${cpus()[0]?.model.trim()}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Linux ${readFileSync("/proc/sys/kernel/osrelease", "utf8").trim()}`,
    `Node ${process.version}`,
    `mksquashfs ${version("mksquashfs", "-version")}`,
    `Apptainer ${version(judge, "--version")}`,
    `load ${loadavg()[0]?.toFixed(1)}`,
    `medians of ${runs} runs`,
  ];
  return facts.join(", ");
}

const contests = { archive, sandbox, usr, growth, ways };
const only = values.only;
if (only !== undefined && !Object.hasOwn(contests, only)) {
  throw new Error(`--only is one of ${Object.keys(contests).join(", ")}`);
}
try {
  print(machine());
  for (const [name, measure] of Object.entries(contests)) {
    // oxlint-disable-next-line no-await-in-loop -- side by side they would measure each other
    if (only === undefined || only === name) await measure();
  }
  showVerdicts(verdicts);
} finally {
  await rm(folder, { recursive: true });
}

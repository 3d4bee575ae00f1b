// Packs a folder with tsbuild and with mksquashfs, and prints what each took.
//
//   node bench/pack.ts FOLDER [--compress balanced] [--workers N] [--runs N] [--only tsbuild|mksquashfs]
//
// Processor seconds are the number to compare: they hardly depend on what else the machine does. Each run is a process
// of its own; the folder is read once before, so that none pays for the disk.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readFolder } from "../src/folder/read-folder.ts";
import { packSif } from "../src/packer/pack-sif.ts";
import { parseCompression } from "../src/squashfs/compression.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    compress: { type: "string", default: "balanced" },
    workers: { type: "string", default: String(availableParallelism()) },
    runs: { type: "string", default: "1" },
    only: { type: "string" },
    verify: { type: "boolean", default: true },
    /** The inner process: packs into the file and ends. */
    output: { type: "string" },
  },
  allowNegative: true,
});
const [folder = "/usr"] = positionals;

interface Measured {
  readonly name: string;
  readonly wallSeconds: number;
  readonly processorSeconds: number;
  readonly peakMegabytes: number;
  readonly sizeBytes: number;
}

/** One run under GNU time. */
function measure(name: string, image: string, command: readonly string[]): Measured {
  rmSync(image, { force: true });
  const run = spawnSync("/usr/bin/time", ["-f", "%e %U %S %M", ...command], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${command.join(" ")}: ${run.stderr}`);
  const line = run.stderr.trim().split("\n").at(-1) ?? "";
  const [wall = 0, user = 0, system = 0, kilobytes = 0] = line.split(" ").map(Number);
  return {
    name,
    wallSeconds: wall,
    processorSeconds: user + system,
    peakMegabytes: kilobytes / 1024,
    sizeBytes: statSync(image).size,
  };
}

async function packOnly(output: string): Promise<void> {
  await packSif(await readFolder(folder), output, {
    definition: Buffer.from("Bootstrap: scratch\n"),
    objects: [],
    architecture: "amd64",
    timeSeconds: 0,
    uuid: "from-content",
    compression: parseCompression(values.compress),
    force: true,
    verify: values.verify,
    workers: Number(values.workers),
  });
}

function compare(): void {
  const scratch = mkdtempSync(join(tmpdir(), "tsbuild-bench-"));
  const sif = join(scratch, "image.sif");
  const squashfs = join(scratch, "image.squashfs");
  const self = [process.execPath, import.meta.filename, folder, "--output", sif];
  const flags = ["--compress", values.compress, "--workers", values.workers];
  const candidates: readonly [string, string, readonly string[]][] = [
    [`tsbuild ${values.compress}`, sif, [...self, ...flags]],
    [`tsbuild ${values.compress}, not verified`, sif, [...self, ...flags, "--no-verify"]],
    [
      "mksquashfs",
      squashfs,
      [
        "mksquashfs",
        folder,
        squashfs,
        "-noappend",
        "-quiet",
        "-no-progress",
        "-processors",
        values.workers,
      ],
    ],
  ];
  try {
    spawnSync("tar", ["-C", folder, "-cf", "/dev/null", "."], { stdio: "ignore" });
    const results: Measured[] = [];
    for (let run = 0; run < Number(values.runs); run += 1) {
      for (const [name, image, command] of candidates) {
        if (values.only !== undefined && !name.startsWith(values.only)) continue;
        const measured = measure(name, image, command);
        results.push(measured);
        process.stdout.write(`${describe(measured)}\n`);
      }
    }
    tellRatio(results);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function describe(measured: Measured): string {
  return [
    measured.name.padEnd(32),
    `${measured.wallSeconds.toFixed(1)} s`.padStart(9),
    `${measured.processorSeconds.toFixed(1)} processor s`.padStart(20),
    `${(measured.sizeBytes / 1e6).toFixed(1)} MB`.padStart(11),
    `${measured.peakMegabytes.toFixed(0)} MB peak`.padStart(14),
  ].join(" ");
}

const ratio = (a: number, b: number) => (a / b).toFixed(2);

function tellRatio(results: readonly Measured[]): void {
  const ours = results.find(({ name }) => name.startsWith("tsbuild"));
  const theirs = results.find(({ name }) => name === "mksquashfs");
  if (ours === undefined || theirs === undefined) return;
  process.stdout.write(
    `mksquashfs takes ${ratio(theirs.processorSeconds, ours.processorSeconds)} times the processor, ` +
      `${ratio(theirs.wallSeconds, ours.wallSeconds)} times the time, ` +
      `${ratio(theirs.sizeBytes, ours.sizeBytes)} times the size of tsbuild\n`,
  );
}

if (values.output === undefined) compare();
else await packOnly(values.output);

// Images on disk to SIF: tsbuild and the real Apptainer on the same source in the same run, taking turns.
//
//   npx -c 'node bench/build.ts [--runs=3] [base] [python] [mpi]'
//
// Needs root and what test/judges/install.sh and images.sh make. Prints medians, and how they compare.

import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { archiveImage, type ImageName } from "../test/helpers/images.ts";
import { measureProgram, type Cost } from "./measure-program.ts";

interface Measured extends Cost {
  readonly sizeBytes: number;
}

const checkout = resolve(import.meta.dirname, "..");
const cli = join(checkout, "bin/tsbuild.cjs");
const judge = join(checkout, "test/judges/apptainer");

const words = process.argv.slice(2);
const runs = Number(words.find((word) => word.startsWith("--runs="))?.slice(7) ?? 3);
const chosen = words.filter((word) => !word.startsWith("--")) as ImageName[];
const images: readonly ImageName[] = chosen.length > 0 ? chosen : ["base", "python", "mpi"];

if (process.getuid?.() !== 0) throw new Error("needs root: Apptainer is judged as root");
if (!existsSync(join(checkout, "dist/program/main.cjs"))) throw new Error("needs npm run build");

const folder = await mkdtemp(join(tmpdir(), "bench-build-"));
const env = {
  TMPDIR: folder,
  TSBUILD_CACHEDIR: join(folder, "tsbuild-cache"),
  APPTAINER_CACHEDIR: join(folder, "apptainer-cache"),
  JUDGE_MODE: "root",
};

/** Each way to build; the first is what the others are compared with. */
const ways: readonly [name: string, argv: readonly string[]][] = [
  ["apptainer", [judge, "build", "--force"]],
  ["tsbuild", [process.execPath, cli, "build", "--force"]],
  ["tsbuild --compress=fast", [process.execPath, cli, "build", "--force", "--compress=fast"]],
];

async function once([, argv]: (typeof ways)[number], name: ImageName): Promise<Measured> {
  const cost = await measureProgram([...argv, "image.sif", `oci-archive:${name}.tar`], {
    cwd: folder,
    env,
  });
  return { ...cost, sizeBytes: statSync(join(folder, "image.sif")).size };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

const columns: readonly [title: string, of: (one: Measured) => number, unit: number][] = [
  ["wall s", (one) => one.wallSeconds, 1],
  ["cpu s", (one) => one.cpuSeconds, 1],
  ["peak MB", (one) => one.peakBytes, 1e6],
  ["written MB", (one) => one.writtenBytes, 1e6],
  ["size MB", (one) => one.sizeBytes, 1e6],
];

try {
  console.log(`${cpus().length} cores, ${cpus()[0]?.model}, Node ${process.version}, ${runs} runs`);
  const head = ["image", "program", ...columns.map(([title]) => title)];
  console.log(row(head));
  for (const name of images) {
    await archiveImage(name, join(folder, `${name}.tar`));
    const measured: Measured[][] = ways.map(() => []);
    // One turn that is not counted warms the page cache and both programs' own.
    for (let run = 0; run <= runs; run++) {
      for (const [index, way] of ways.entries()) {
        const one = await once(way, name);
        if (run > 0) measured[index]?.push(one);
      }
    }
    const first = measured[0] ?? [];
    for (const [index, [title]] of ways.entries()) {
      const cells = columns.map(([, of, unit]) => {
        const value = median((measured[index] ?? []).map(of));
        const ratio = value / median(first.map(of));
        const shown = (value / unit).toFixed(value / unit < 100 ? 1 : 0);
        return index === 0 ? shown : `${shown} (×${ratio.toFixed(2)})`;
      });
      console.log(row([name, title, ...cells]));
    }
  }
} finally {
  await rm(folder, { recursive: true });
}

function row([image = "", program = "", ...cells]: readonly string[]): string {
  return image.padEnd(8) + program.padEnd(26) + cells.map((cell) => cell.padStart(16)).join("");
}

// How long the program takes to start: `tsbuild check` of a small definition, and what else starts, next to `node -e 0`
// of the same Node. Runs take turns; the ratio is that of each pair, and its median counts.
//
//   npx -c 'node bench/start.ts [--runs=21]'

import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { measureProgram } from "./measure-program.ts";

const checkout = resolve(import.meta.dirname, "..");
const cli = join(checkout, "bin/tsbuild.cjs");
const runs = Number(/--runs=(\d+)/.exec(process.argv.slice(2).join(" "))?.[1] ?? 21);
if (!existsSync(join(checkout, "dist/program/main.cjs"))) throw new Error("needs npm run build");

const definition = `Bootstrap: docker
From: debian:12

%post
    apt-get update && apt-get install -y --no-install-recommends python3
    rm -rf /var/lib/apt/lists/*

%environment
    export LC_ALL=C.UTF-8

%runscript
    exec python3 "$@"
`;

const commands: readonly (readonly string[])[] = [
  ["check", "small.def"],
  ["plan", "small.def"],
  ["format", "--check", "small.def"],
  ["--version"],
  ["--help"],
];

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

const folder = await mkdtemp(join(tmpdir(), "bench-start-"));
try {
  await writeFile(join(folder, "small.def"), definition);
  const options = { cwd: folder, env: { TSBUILD_CACHEDIR: join(folder, "cache") } };
  console.log(`Node ${process.version}, ${runs} pairs`);
  console.log(row("command", ["processor ms", "wall ms", "of node -e 0", "in wall time"]));
  for (const words of commands) {
    const pairs = [];
    // The first pair is not counted: it fills the caches.
    for (let run = 0; run <= runs; run++) {
      const ours = await measureProgram([process.execPath, cli, ...words], options);
      const bare = await measureProgram([process.execPath, "-e", "0"], options);
      if (run > 0) pairs.push({ ours, bare });
    }
    const cpu = pairs.map(({ ours, bare }) => ours.cpuSeconds / bare.cpuSeconds);
    const wall = pairs.map(({ ours, bare }) => ours.wallSeconds / bare.wallSeconds);
    console.log(
      row(words.join(" "), [
        (median(pairs.map(({ ours }) => ours.cpuSeconds)) * 1000).toFixed(0),
        (median(pairs.map(({ ours }) => ours.wallSeconds)) * 1000).toFixed(0),
        `×${median(cpu).toFixed(2)}`,
        `×${median(wall).toFixed(2)}`,
      ]),
    );
  }
} finally {
  await rm(folder, { recursive: true });
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(26) + cells.map((cell) => cell.padStart(14)).join("");
}

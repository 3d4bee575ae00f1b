// What each way to be root costs: the same packages installed by each, taking turns, and how that compares with root.
//
//   npx -c 'node bench/isolation.ts [--runs 5] [--package build-essential] [way…]'
//
// Prints medians of the processor time and of the time that %post took, without what a build with an empty %post takes,
// and medians of what each turn took of root's. A small package (make) is enough for a look; with TMPDIR=/dev/shm no disk
// is measured. See ways.ts for what it needs.

import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ratio, typical, type Run } from "./contest.ts";
import { cpu, print, tellRun, wall } from "./report.ts";
import { measureWays, wayNames } from "./ways.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "5" },
    package: { type: "string", default: "build-essential" },
  },
});

const folder = mkdtempSync(join(tmpdir(), "bench-isolation-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
// Ctrl-C leaves nothing either, nor do the users stay.
process.once("SIGINT", () => process.exit(130));

const results = await measureWays({
  ways: positionals.length > 0 ? positionals : wayNames,
  packages: values.package,
  runs: Number(values.runs),
  folder,
  tell: tellRun,
});
const [root] = results;
const load = loadavg()[0]?.toFixed(1);
print(`apt-get install ${values.package}, medians of ${values.runs} runs, load ${load}\n`);
print("way      processor s   of root     wall s   of root");
for (const result of results) {
  const cells = (of: (run: Run) => number): string => {
    const part = root === undefined ? NaN : 1 / ratio(root, result, of);
    return `${typical(result, of).toFixed(2).padStart(11)}${`${(100 * part).toFixed(0)} %`.padStart(10)}`;
  };
  print(`${result.name.padEnd(9)}${cells(cpu)}${cells(wall)}`);
}

// What each way to be root costs: the same packages installed by each, taking turns, and how that compares with root.
//
//   npx -c 'node bench/isolation.ts [--runs=3] [--package=build-essential] [way…]'
//
// Needs root, debootstrap, a Debian mirror, npm run build, and a checkout that other users may enter. Prints medians of the
// processor time and of the time that %post took, without what a build with an empty %post takes.

import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { debianRoot } from "../test/helpers/debian-root.ts";
import { plainUser } from "../test/helpers/plain-user.ts";
import { measureProgram, type Cost } from "./measure-program.ts";

const words = process.argv.slice(2);
const setting = (name: string) =>
  words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
const runs = Number(setting("runs") ?? 3);
const packages = setting("package") ?? "build-essential";
const named = words.filter((word) => !word.startsWith("--"));
const ways = ["root", ...(named.length > 0 ? named : ["subid", "single", "bwrap", "proot"])];

const cli = [process.execPath, join(resolve(import.meta.dirname, ".."), "bin/tsbuild.cjs")];
const folder = await mkdtemp(join(tmpdir(), "bench-isolation-"));
chmodSync(folder, 0o755);

const definition = (name: string, base: string, post: string) => {
  const file = join(folder, `${name}.def`);
  writeFileSync(file, `Bootstrap: localimage\nFrom: ${base}\n\n%post\n${post}\n`);
  return file;
};

const build = (way: string, target: string, file: string): string[] => {
  const options = ["build", "--force", "--isolation", way, "--compress=none", "--no-verify"];
  const command = [...cli, ...options, target, file];
  if (way === "root") return command;
  return plainUser(way === "subid" ? "with ranges" : "without ranges").command(command);
};

const targetOf = (way: string): string =>
  way === "root"
    ? join(folder, "image.sif")
    : join(plainUser(way === "subid" ? "with ranges" : "without ranges").folder, "image.sif");

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

try {
  const root = join(folder, "root");
  execFileSync("mkdir", [root]);
  execFileSync("tar", ["--numeric-owner", "-xpf", debianRoot(), "-C", root]);
  const base = join(folder, "base.sif");
  const fetched = definition(
    "fetch",
    root,
    `apt-get update -qq\napt-get install -qq -y --download-only --no-install-recommends ${packages}`,
  );
  await measureProgram(build("root", base, fetched), { cwd: folder });
  const nothing = definition("nothing", base, "true");
  const install = definition(
    "install",
    base,
    `export DEBIAN_FRONTEND=noninteractive\napt-get install -qq -y --no-install-recommends ${packages}`,
  );
  const costs = new Map(ways.map((way) => [way, { idle: [] as Cost[], busy: [] as Cost[] }]));
  for (let run = 0; run < runs; run++) {
    for (const [way, cost] of costs) {
      const once = (file: string) =>
        measureProgram(build(way, targetOf(way), file), { cwd: folder });
      cost.idle.push(await once(nothing));
      cost.busy.push(await once(install));
    }
  }
  console.log(`apt-get install ${packages}, medians of ${runs} runs\n`);
  console.log("way      processor s   of root   wall s   of root");
  const taken = (way: string, of: (cost: Cost) => number) => {
    const { idle = [], busy = [] } = costs.get(way) ?? {};
    return median(busy.map((cost, index) => of(cost) - of(idle[index] ?? cost)));
  };
  for (const way of ways) {
    const columns = [(cost: Cost) => cost.cpuSeconds, (cost: Cost) => cost.wallSeconds].map(
      (of) => {
        const seconds = taken(way, of);
        const percent = (100 * seconds) / taken("root", of);
        return `${seconds.toFixed(2).padStart(11)}${`${percent.toFixed(0)} %`.padStart(10)}`;
      },
    );
    console.log(`${way.padEnd(8)}${columns.join("")}`);
  }
} finally {
  await rm(folder, { recursive: true });
}

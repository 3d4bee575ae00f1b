import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { debianRoot } from "../test/helpers/debian-root.ts";
import { plainUser } from "../test/helpers/plain-user.ts";
import { inContainer, inOpenContainer } from "../test/helpers/situations.ts";
import { contest, type Contestant, type Result, type Run } from "./contest.ts";

/** The ways to be root, and who goes each of them. */
const callers = {
  root: "root",
  subid: "user with ranges",
  ident: "root who may not mount",
  single: "user without ranges",
  bwrap: "user without ranges",
  chroot: "root in a container",
  proot: "user without ranges",
} as const;

type WayName = keyof typeof callers;
export const wayNames = Object.keys(callers) as WayName[];

/**
 * What packages cost to install in `%post` by each way, in turns: what a build that installs them takes more than one with a
 * `%post` that does nothing. They are fetched before. The first way is root's.
 *
 * Needs root, debootstrap, a Debian mirror, npm run build, and a checkout that other users may enter.
 * @param folder where all is made; plain users have theirs in `tmpdir()`
 */
export async function measureWays({
  ways,
  packages,
  runs,
  folder,
  tell,
}: {
  readonly ways: readonly string[];
  readonly packages: string;
  readonly runs: number;
  readonly folder: string;
  readonly tell: (name: string, run: Run) => void;
}): Promise<Result[]> {
  const unknown = ways.find((way) => !Object.hasOwn(callers, way));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${wayNames.join(", ")}`);
  const names = [...new Set(["root", ...ways])] as WayName[];
  chmodSync(folder, 0o755);
  const images = join(folder, "images");
  mkdirSync(images);
  // Each of them puts it there.
  chmodSync(images, 0o777);
  const image = join(images, "image.sif");
  const build = (way: WayName, name: string, definition: string, target = image): Contestant => {
    const cli = [process.execPath, join(resolve(import.meta.dirname, ".."), "bin/tsbuild.cjs")];
    const options = ["build", "--force", "--isolation", way, "--compress=none", "--no-verify"];
    const words = [...cli, ...options, target, definition];
    return { name, ...callAs(callers[way], words, join(folder, "own")) };
  };
  const makeOnce = async (contestant: Contestant, target: string): Promise<unknown> =>
    contest([contestant], target, { runs: 1, folder, tell });

  const definition = (name: string, base: string, post: string): string => {
    const file = join(folder, `${name}.def`);
    writeFileSync(file, `Bootstrap: localimage\nFrom: ${base}\n\n%post\n${post}\n`);
    return file;
  };
  const root = join(folder, "debian");
  mkdirSync(root);
  execFileSync("tar", ["--numeric-owner", "-xpf", debianRoot(), "-C", root]);
  const base = join(folder, "base.sif");
  const install = `apt-get install -qq -y --no-install-recommends`;
  const fetch = `apt-get update -qq\n${install} --download-only ${packages}`;
  await makeOnce(
    build("root", `${packages}, fetched`, definition("fetch", root, fetch), base),
    base,
  );

  const nothing = definition("nothing", base, "true");
  const busy = definition(
    "install",
    base,
    `export DEBIAN_FRONTEND=noninteractive\n${install} --no-download ${packages}`,
  );
  const idling = names.map((way) => build(way, `${way}, nothing to do`, nothing));
  // What only a first build does is over then.
  for (const contestant of idling) {
    // oxlint-disable-next-line no-await-in-loop -- side by side they would measure each other
    await makeOnce(contestant, image);
  }
  const contestants = names.flatMap((way, index) => {
    const idle = idling[index];
    return idle === undefined ? [] : [idle, build(way, way, busy)];
  });
  const results = await contest(contestants, image, { runs, folder, tell });
  return names.map((name, index) => ({
    name,
    runs: difference(results[2 * index + 1]?.runs ?? [], results[2 * index]?.runs ?? []),
  }));
}

/** A command as somebody's, who has a cache of his own. */
function callAs(
  caller: (typeof callers)[WayName],
  words: readonly string[],
  ownFolder: string,
): Pick<Contestant, "argv" | "env"> {
  if (caller === "user with ranges") return { argv: plainUser("with ranges").command(words) };
  if (caller === "user without ranges") return { argv: plainUser("without ranges").command(words) };
  const folder = join(ownFolder, caller.replaceAll(" ", "-"));
  mkdirSync(folder, { recursive: true });
  const env = { TMPDIR: folder, TSBUILD_CACHEDIR: join(folder, "cache") };
  if (caller === "root") return { argv: words, env };
  return {
    argv: (caller === "root in a container" ? inContainer : inOpenContainer)(words),
    env,
  };
}

/** Run by run, what one needed more than another. */
function difference(more: readonly Run[], less: readonly Run[]): Run[] {
  return more.map((run, turn) => {
    const other = less[turn];
    if (other === undefined) throw new Error("each run has another one beside it");
    const members = Object.entries(run) as [keyof Run, number][];
    // A peak is none of the things that add up.
    const of = ([name, value]: [keyof Run, number]): [keyof Run, number] => [
      name,
      name === "peakBytes" ? value : value - other[name],
    ];
    return Object.fromEntries(members.map(of)) as unknown as Run;
  });
}

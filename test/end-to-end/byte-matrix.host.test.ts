// One SHA-256, whatever user, number of workers, file system, time zone and order of directories a build has.

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ExecutionContext } from "ava";
import { execa } from "execa";
import { tsbuild } from "../helpers/build.ts";
import { canMakeUsers, plainUser, type PlainUser } from "../helpers/plain-user.ts";
import { scratch } from "../helpers/scratch.ts";
import { serialHostTest } from "../helpers/serial-test.ts";

const old = new Date("2024-02-03T04:05:06Z");

/** Paths and contents: texts, what can't be compressed, a file of several blocks, and equal ones. */
const files = new Map<string, Buffer>(
  Array.from({ length: 60 }, (_, index) => [
    `${"abcde"[index % 5]}/${index % 3}/file-${index}`,
    index % 7 === 0
      ? createHash("shake256", { outputLength: 150_000 })
          .update(String(index % 14))
          .digest()
      : Buffer.from(`line ${index}\n`.repeat(index * index * 9)),
  ]),
);

/** Makes the tree of files, in an order of its own for each seed: file systems list in the order of making, or by hash. */
function makeTree(folder: string, seed: number): void {
  const key = (path: string) => createHash("sha256").update(`${seed}${path}`).digest("hex");
  const paths = [...files.keys()].toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  for (const path of paths) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, files.get(path) ?? "");
    chmodSync(file, path.startsWith("a") ? 0o755 : 0o644);
    utimesSync(file, old, old);
  }
  symlinkSync("file-0", join(folder, "a/0/link"));
  for (const path of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!path.isDirectory()) continue;
    chmodSync(join(path.parentPath, path.name), 0o755);
    utimesSync(join(path.parentPath, path.name), old, old);
  }
  utimesSync(folder, old, old);
}

async function tmpfs(t: ExecutionContext): Promise<string> {
  const folder = await scratch(t);
  await execa("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", folder]);
  t.teardown(() => execa("umount", [folder]));
  return folder;
}

async function hashOfBuild(
  parent: string,
  seed: number,
  user: PlainUser | undefined,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(parent, String(seed));
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  makeTree(join(folder, "tree"), seed);
  writeFileSync(
    join(folder, "app.def"),
    "Bootstrap: scratch\n\n%files\n    tree /opt/tree\n\n%labels\n    A b\n\n%help\n    Help.\n",
  );
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const { exitCode, stderr } = await tsbuild(["build", ...words, "app.sif", "app.def"], {
    cwd: folder,
    ...(user === undefined ? {} : { user, before: "umask 077" }),
    env: { ...env, TMPDIR: folder, SOURCE_DATE_EPOCH: "1700000000" },
  });
  if (exitCode !== 0) throw new Error(stderr);
  return createHash("sha256")
    .update(readFileSync(join(folder, "app.sif")))
    .digest("hex");
}

serialHostTest(
  "root, and users can be made",
  canMakeUsers,
  "user, workers, file system, time zone and order of directories leave no trace in the bytes",
  async (t) => {
    t.timeout(600_000);
    const user = plainUser("without ranges");
    const places = { disk: await scratch(t), memory: await tmpfs(t) };
    for (const folder of Object.values(places)) chmodSync(folder, 0o755);
    const hashes = new Map<string, string[]>();
    let seed = 0;
    for (const [place, parent] of Object.entries(places)) {
      for (const who of [undefined, user]) {
        for (const workers of ["1", "2", "7"]) {
          for (const zone of ["UTC", "Pacific/Kiritimati"]) {
            seed += 1;
            // oxlint-disable-next-line no-await-in-loop -- side by side they would only wait for each other
            const hash = await hashOfBuild(parent, seed, who, ["--jobs", workers], { TZ: zone });
            const facts = [place, who === undefined ? "root" : "user", workers, zone].join(" ");
            hashes.set(hash, [...(hashes.get(hash) ?? []), facts]);
          }
        }
      }
    }
    t.is(seed, 24);
    t.deepEqual([...hashes.values()].length, 1, JSON.stringify([...hashes.values()], undefined, 2));
  },
);
